//! Recognises the container this very program runs in, so that it is not asked to stop itself.

/// The id of the container this process runs in; `None` outside of one, or where nothing tells it.
///
/// Reads `/proc/self/mountinfo` (cgroup version 2 hides the id from `/proc/self/cgroup`), then
/// `/proc/self/cgroup`, then the host name, which engines set to the id's first twelve digits.
pub fn own_container_id() -> Option<String> {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    id_from(
        &read("/proc/self/mountinfo"),
        &read("/proc/self/cgroup"),
        read("/etc/hostname").trim(),
        std::path::Path::new("/.dockerenv").exists() || std::path::Path::new("/run/.containerenv").exists(),
    )
}

/// Whether an engine's container id is the one found: ids may be shortened to twelve digits.
pub fn is_same_container(engine_id: &str, own: &str) -> bool {
    own.len() >= SHORT && engine_id.starts_with(own)
}

const SHORT: usize = 12;
const LONG: usize = 64;

/// The id out of the texts themselves; `contained` says that the file engines put into containers exists, without
/// which a host name of twelve hex digits proves nothing.
pub fn id_from(mountinfo: &str, cgroup: &str, hostname: &str, contained: bool) -> Option<String> {
    from_mountinfo(mountinfo)
        .or_else(|| from_cgroup(cgroup))
        .or_else(|| {
            let like_an_id = hostname.len() == SHORT && is_hex(hostname);
            (contained && like_an_id).then(|| hostname.to_owned())
        })
}

/// Engines mount `/etc/hostname`, `/etc/hosts` and `/etc/resolv.conf` from the container's own directory, whose path
/// holds the id: `/var/lib/docker/containers/ID/hostname`, `…/overlay-containers/ID/userdata/hostname`.
pub fn from_mountinfo(text: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let mut fields = line.split(' ').skip(3);
        let (root, target) = (fields.next()?, fields.next()?);
        let of_engine = matches!(
            target,
            "/etc/hostname" | "/etc/hosts" | "/etc/resolv.conf" | "/run/.containerenv"
        );
        if of_engine { after_containers(root) } else { None }
    })
}

/// `/docker/ID`, `/system.slice/docker-ID.scope`, `/machine.slice/libpod-ID.scope`, `/libpod_parent/libpod-ID`,
/// `/kubepods/…/ID`.
pub fn from_cgroup(text: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let path = line.splitn(3, ':').nth(2)?;
        path.rsplit('/').find_map(|part| {
            let part = part.strip_suffix(".scope").unwrap_or(part);
            let id = part.rsplit('-').next().unwrap_or(part);
            (id.len() == LONG && is_hex(id)).then(|| id.to_owned())
        })
    })
}

fn after_containers(path: &str) -> Option<String> {
    let mut parts = path.split('/');
    parts.find(|part| matches!(*part, "containers" | "overlay-containers" | "vfs-containers"))?;
    parts
        .find(|part| part.len() == LONG && is_hex(part))
        .map(str::to_owned)
}

fn is_hex(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "8c83baaf80dc31531d9d8dc97ad55ddecbf5cfbf0aa232ce3a9d2d5c4581f7c1";

    #[test]
    fn cgroup_version_1() {
        let text =
            format!("12:pids:/docker/{ID}\n11:cpu,cpuacct:/docker/{ID}\n1:name=systemd:/docker/{ID}\n");
        assert_eq!(from_cgroup(&text).as_deref(), Some(ID));
        assert_eq!(
            from_cgroup(&format!("1:name=systemd:/system.slice/docker-{ID}.scope\n")).as_deref(),
            Some(ID)
        );
    }

    #[test]
    fn cgroup_version_2_hides_it_and_the_mounts_tell() {
        let mounts = format!(
            "1200 1100 0:50 / / rw,relatime - overlay overlay rw,lowerdir=/x\n\
             1213 1200 254:0 /var/lib/docker/containers/{ID}/resolv.conf /etc/resolv.conf rw,relatime - ext4 /dev/vda rw\n\
             1214 1200 254:0 /var/lib/docker/containers/{ID}/hostname /etc/hostname rw,relatime - ext4 /dev/vda rw\n"
        );
        assert_eq!(from_cgroup("0::/\n"), None);
        assert_eq!(id_from(&mounts, "0::/\n", "my-name", true).as_deref(), Some(ID));
    }

    #[test]
    fn podman() {
        let mounts = format!(
            "700 600 0:40 /containers/storage/overlay-containers/{ID}/userdata/hostname /etc/hostname rw - tmpfs tmpfs rw\n"
        );
        assert_eq!(from_mountinfo(&mounts).as_deref(), Some(ID));
        assert_eq!(
            from_cgroup(&format!("0::/machine.slice/libpod-{ID}.scope/container\n")).as_deref(),
            Some(ID)
        );
        assert_eq!(
            from_cgroup(&format!("9:pids:/libpod_parent/libpod-{ID}\n")).as_deref(),
            Some(ID)
        );
    }

    #[test]
    fn outside_of_a_container_nothing_is_found() {
        let mounts = "25 30 0:23 / /sys rw,nosuid shared:7 - sysfs sysfs rw\n\
             26 30 254:0 /var/lib/docker/containers/x /mnt rw - ext4 /dev/vda rw\n";
        let cgroup = "0::/user.slice/user-1000.slice/session-2.scope\n";
        assert_eq!(id_from(mounts, cgroup, "deadbeef0123", false), None);
        assert_eq!(id_from(mounts, cgroup, "nas", true), None);
    }

    #[test]
    fn the_host_name_is_the_last_resort_and_matches_shortened() {
        let own = id_from("", "0::/\n", &ID[..12], true).expect("an id");
        assert!(is_same_container(ID, &own) && is_same_container(ID, ID));
        assert!(!is_same_container(ID, "") && !is_same_container(ID, "8c83"));
    }
}
