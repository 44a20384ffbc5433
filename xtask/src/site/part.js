
// A part of the program that cannot be had now is asked for until it can: without it the page would be dead.
async function fetchPart(url) {
    for (let wait = 250; ; wait = Math.min(2 * wait, 8000)) {
        try {
            const answer = await fetch(url);
            // All of it: a connection can also break in the middle.
            if (answer.ok) return new Response(await answer.arrayBuffer(), { headers: answer.headers });
            if (answer.status === 404) reloadOnce();
        } catch {
            // Away, or this page is being left.
        }
        await new Promise((resolve) => setTimeout(resolve, wait));
    }
}

// The server has another release than this page and no longer has its parts; a page of that release has others.
function reloadOnce() {
    const key = "chrontainer-reloaded-for";
    try {
        if (sessionStorage.getItem(key) === import.meta.url) return;
        sessionStorage.setItem(key, import.meta.url);
    } catch {
        return;
    }
    location.reload();
}
