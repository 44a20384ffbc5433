//! Which containers come first: what others need is started before them, and stopped after them.

use std::collections::{BTreeMap, BTreeSet};

/// A container as far as dependencies go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// For sentences.
    pub name: String,
    /// Where it is: containers of different hosts never need each other.
    pub host: String,
    /// What others may call it: its engine id and its name.
    pub ids: Vec<String>,
    /// Its Compose project and service.
    pub service: Option<(String, String)>,
    /// The services of its own project that Compose starts before it.
    pub depends_on: Vec<String>,
    /// Containers whose network or volumes it uses, by id or name; an id may be shortened.
    pub shares: Vec<String>,
}

/// Reads Compose's label `com.docker.compose.depends_on`: `db:service_healthy:false,cache:service_started:false`.
pub fn depends_on(label: &str) -> Vec<String> {
    label
        .split(',')
        .filter_map(|entry| entry.split(':').next())
        .map(str::trim)
        .filter(|service| !service.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The containers that each one needs, by place in `nodes`.
pub fn needs(nodes: &[Node]) -> Vec<BTreeSet<usize>> {
    let mut by_service: BTreeMap<(&str, &str, &str), Vec<usize>> = BTreeMap::new();
    for (at, node) in nodes.iter().enumerate() {
        if let Some((project, service)) = &node.service {
            by_service
                .entry((&node.host, project, service))
                .or_default()
                .push(at);
        }
    }
    let called = |node: &Node, what: &str| {
        node.ids
            .iter()
            .any(|id| id == what || (what.len() >= 12 && id.starts_with(what)))
    };
    nodes
        .iter()
        .enumerate()
        .map(|(at, node)| {
            let mut needs = BTreeSet::new();
            if let Some((project, _)) = &node.service {
                for service in &node.depends_on {
                    let found = by_service.get(&(node.host.as_str(), project.as_str(), service.as_str()));
                    needs.extend(found.into_iter().flatten());
                }
            }
            for shared in &node.shares {
                let found = nodes
                    .iter()
                    .position(|other| other.host == node.host && called(other, shared));
                needs.extend(found);
            }
            needs.remove(&at);
            needs
        })
        .collect()
}

/// Containers that need each other in a circle, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Circle(pub Vec<String>);

impl std::fmt::Display for Circle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "The containers {} depend on each other in a circle, so there is no order to go by. Correct their depends_on, \
             or choose another order for this step.",
            self.0.join(", ")
        )
    }
}

/// Groups of containers: all of one group may be done at once, each group after the one before. `backwards` turns the
/// order around.
///
/// # Errors
/// When some need each other in a circle.
pub fn levels(nodes: &[Node], backwards: bool) -> Result<Vec<Vec<usize>>, Circle> {
    let needs = needs(nodes);
    let mut left: BTreeSet<usize> = (0..nodes.len()).collect();
    let mut levels = Vec::new();
    while !left.is_empty() {
        let free: Vec<usize> = left
            .iter()
            .copied()
            .filter(|at| needs[*at].is_disjoint(&left))
            .collect();
        if free.is_empty() {
            return Err(Circle(circle(nodes, &needs, &left)));
        }
        for at in &free {
            left.remove(at);
        }
        levels.push(free);
    }
    if backwards {
        levels.reverse();
    }
    Ok(levels)
}

/// One circle among those that are left, found by walking on to what each needs.
fn circle(nodes: &[Node], needs: &[BTreeSet<usize>], left: &BTreeSet<usize>) -> Vec<String> {
    let mut way: Vec<usize> = Vec::new();
    let mut at = left.first().copied();
    while let Some(now) = at {
        if let Some(begin) = way.iter().position(|seen| *seen == now) {
            let names = way[begin..].iter().map(|at| nodes[*at].name.clone());
            return names.collect();
        }
        way.push(now);
        at = needs[now].intersection(left).next().copied();
    }
    way.iter().map(|at| nodes[*at].name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn node(name: &str, depends_on: &[&str], shares: &[&str]) -> Node {
        Node {
            name: name.to_owned(),
            host: "local".to_owned(),
            ids: vec![format!("{name}-0123456789abcdef"), name.to_owned()],
            service: Some(("shop".to_owned(), name.to_owned())),
            depends_on: depends_on.iter().map(|text| (*text).to_owned()).collect(),
            shares: shares.iter().map(|text| (*text).to_owned()).collect(),
        }
    }

    #[test]
    fn composes_label_is_read() {
        assert_eq!(
            depends_on("db:service_healthy:false,cache:service_started:true"),
            ["db", "cache"]
        );
        assert!(depends_on("").is_empty());
    }

    #[test]
    fn what_others_need_comes_first_and_stops_last() {
        let nodes = [
            node("web", &["db", "gone"], &[]),
            node("db", &[], &[]),
            node("sidecar", &[], &["web-0123456789abcdef"]),
            node("free", &[], &[]),
        ];
        assert_eq!(levels(&nodes, false).unwrap(), [vec![1, 3], vec![0], vec![2]]);
        assert_eq!(levels(&nodes, true).unwrap(), [vec![2], vec![0], vec![1, 3]]);
        let mut apart = nodes.to_vec();
        apart[1].host = "nas".to_owned();
        assert_eq!(levels(&apart, false).unwrap()[0], [0, 1, 3]);
    }

    #[test]
    fn a_circle_is_named() {
        let nodes = [
            node("a", &["b"], &[]),
            node("b", &["c"], &[]),
            node("c", &["b"], &[]),
        ];
        let circle = levels(&nodes, false).unwrap_err();
        assert_eq!(circle.0, ["b", "c"]);
        assert!(circle.to_string().contains("b, c"), "{circle}");
        // Itself does not count.
        assert!(levels(&[node("a", &["a"], &["a"])], false).is_ok());
    }

    proptest! {
        #[test]
        fn every_container_comes_once_and_after_all_it_needs(
            edges in prop::collection::vec((0_usize..12, 0_usize..12), 0..30),
        ) {
            // Only edges to smaller numbers, so that there is no circle.
            let mut nodes: Vec<Node> = (0..12).map(|n| node(&format!("c{n}"), &[], &[])).collect();
            for (from, to) in edges.iter().filter(|(from, to)| to < from) {
                nodes[*from].depends_on.push(format!("c{to}"));
            }
            let levels = levels(&nodes, false).unwrap();
            let place: BTreeMap<usize, usize> = levels
                .iter()
                .enumerate()
                .flat_map(|(level, all)| all.iter().map(move |at| (*at, level)))
                .collect();
            prop_assert_eq!(place.len(), 12);
            prop_assert_eq!(levels.iter().map(Vec::len).sum::<usize>(), 12);
            for (at, needs) in needs(&nodes).iter().enumerate() {
                for need in needs {
                    prop_assert!(place[need] < place[&at]);
                }
            }
        }
    }
}
