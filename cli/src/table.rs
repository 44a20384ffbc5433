//! A plain table: columns as wide as their widest cell, nothing else.

/// Lays rows out under a header. Control characters are shown escaped, so that a name cannot move the cursor.
pub fn table<const N: usize>(header: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let mut lines = vec![header.map(str::to_owned)];
    lines.extend(rows.map(|row| row.map(|cell| cell.chars().flat_map(printable).collect::<String>())));
    let widths: [usize; N] = std::array::from_fn(|i| {
        lines
            .iter()
            .map(|line| line[i].chars().count())
            .max()
            .unwrap_or_default()
    });
    let mut text = String::new();
    for line in lines {
        let cells: Vec<String> = line
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell}{}", " ".repeat(width - cell.chars().count())))
            .collect();
        text.push_str(cells.join("   ").trim_end());
        text.push('\n');
    }
    text
}

fn printable(c: char) -> Vec<char> {
    if c.is_control() {
        c.escape_default().collect()
    } else {
        vec![c]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_names_cannot_move_the_cursor() {
        let rows = [
            ["nas".to_owned(), "web".to_owned()],
            ["a".to_owned(), "x\u{1b}[2J".to_owned()],
        ];
        let text = table(["HOST", "NAME"], rows.into_iter());
        assert_eq!(text, "HOST   NAME\nnas    web\na      x\\u{1b}[2J\n");
    }
}
