// So many jobs due at one instant, as pg-boss keeps them in Postgres: prints by how many milliseconds each began late.
// It asks for jobs twice a second, which is the most that it allows, and takes many at once.
// Arguments: the socket's directory, jobs, rounds.

const PgBoss = require('pg-boss');

async function main() {
  const [host, count, rounds] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
  const boss = new PgBoss({ host, database: 'chrontainer', user: 'chrontainer' });
  boss.on('error', (error) => { throw error; });
  await boss.start();
  const queue = 'burst';
  await boss.createQueue(queue);
  const late = [];
  await boss.work(queue, { batchSize: 1000, pollingIntervalSeconds: 0.5 }, async (jobs) => {
    const now = Date.now();
    for (const job of jobs) late.push(now - job.data.due);
  });
  for (let round = 0; round < rounds; round++) {
    const due = Math.ceil(Date.now() / 1000) * 1000 + 2000 + Math.floor(count / 5);
    const startAfter = new Date(due).toISOString();
    const before = late.length;
    for (let made = 0; made < count; made += 1000) {
      const few = Math.min(1000, count - made);
      await boss.insert(Array.from({ length: few }, () => ({ name: queue, data: { due }, startAfter })));
    }
    if (Date.now() > due) throw new Error('the jobs were not stored in time');
    while (late.length - before < count) await new Promise((done) => setTimeout(done, 50));
  }
  process.stdout.write(late.join(' '));
  await boss.stop({ graceful: false });
  process.exit(0);
}

main().catch((error) => { console.error(String(error)); process.exit(1); });
