//! Documents for people outside: headings, lists and tables, written as Markdown or as one HTML file. What people typed is text in
//! both and never markup.

use std::fmt::Write as _;

use super::text::{multi_line, one_line};

/// One part of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    Heading(u8, String),
    Text(String),
    List(Vec<String>),
    Table { head: Vec<String>, rows: Vec<Vec<String>> },
}

/// A whole one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Document {
    pub title: String,
    pub blocks: Vec<Block>,
}

impl Document {
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), blocks: Vec::new() }
    }

    pub fn heading(&mut self, level: u8, text: impl Into<String>) {
        self.blocks.push(Block::Heading(level, text.into()));
    }

    pub fn text(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Text(text.into()));
    }

    /// A list; nothing where there is nothing in it.
    pub fn list(&mut self, items: Vec<String>) {
        if !items.is_empty() {
            self.blocks.push(Block::List(items));
        }
    }

    /// A list under its heading; nothing where there is nothing in it.
    pub fn section(&mut self, level: u8, heading: &str, items: Vec<String>) {
        if !items.is_empty() {
            self.heading(level, heading);
            self.list(items);
        }
    }

    pub fn table(&mut self, head: &[&str], rows: Vec<Vec<String>>) {
        if !rows.is_empty() {
            let head = head.iter().map(|cell| (*cell).to_owned()).collect();
            self.blocks.push(Block::Table { head, rows });
        }
    }

    /// As CommonMark with tables.
    pub fn markdown(&self) -> String {
        let mut text = format!("# {}\n", escaped(&self.title));
        for block in &self.blocks {
            text.push('\n');
            let _infallible = match block {
                Block::Heading(level, heading) => {
                    writeln!(text, "{} {}", "#".repeat(usize::from(*level).clamp(2, 6)), escaped(heading))
                }
                Block::Text(paragraph) => writeln!(text, "{}", paragraphs(paragraph)),
                Block::List(items) => items.iter().try_for_each(|item| writeln!(text, "- {}", escaped(item))),
                Block::Table { head, rows } => {
                    let line = |cells: &[String]| {
                        let cells: Vec<String> = cells.iter().map(|cell| escaped(cell)).collect();
                        format!("| {} |\n", cells.join(" | "))
                    };
                    text.push_str(&line(head));
                    text.push_str(&format!("|{}\n", "---|".repeat(head.len())));
                    for row in rows {
                        text.push_str(&line(row));
                    }
                    Ok(())
                }
            };
        }
        text
    }

    /// As one file that needs nothing else: no script, no picture, no address outside.
    pub fn html(&self) -> String {
        let mut text = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{0}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{0}</h1>\n",
            plain(&self.title)
        );
        for block in &self.blocks {
            let _infallible = match block {
                Block::Heading(level, heading) => {
                    let level = (*level).clamp(2, 6);
                    writeln!(text, "<h{level}>{}</h{level}>", plain(heading))
                }
                Block::Text(paragraph) => {
                    let lines: Vec<String> = multi_line(paragraph).lines().map(plain).collect();
                    writeln!(text, "<p>{}</p>", lines.join("<br>\n"))
                }
                Block::List(items) => {
                    let items: String =
                        items.iter().map(|item| format!("<li>{}</li>\n", plain(item))).collect();
                    writeln!(text, "<ul>\n{items}</ul>")
                }
                Block::Table { head, rows } => {
                    let row = |cells: &[String], tag: &str| {
                        let cells: String =
                            cells.iter().map(|cell| format!("<{tag}>{}</{tag}>", plain(cell))).collect();
                        format!("<tr>{cells}</tr>\n")
                    };
                    let rows: String = rows.iter().map(|cells| row(cells, "td")).collect();
                    writeln!(text, "<table>\n{}{rows}</table>", row(head, "th"))
                }
            };
        }
        text.push_str("</body>\n</html>\n");
        text
    }
}

const STYLE: &str = "body{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}table{border-collapse:collapse}\
td,th{border:1px solid #999;padding:.2em .6em;text-align:left;vertical-align:top}";

/// On one line, with everything that would be markup made plain.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in one_line(text).chars() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' | '~' => {
                out.push('\\');
                out.push(c);
            }
            '&' => out.push_str("&amp;"),
            _ => out.push(c),
        }
    }
    // A number with a point or a dash at the beginning would begin a list.
    let begins_list = out.starts_with(['-', '+', '=']) || is_numbered(&out);
    if begins_list { format!("\\{out}") } else { out }
}

fn is_numbered(text: &str) -> bool {
    let digits = text.chars().take_while(char::is_ascii_digit).count();
    digits > 0 && text[digits..].starts_with([')'])
}

fn paragraphs(text: &str) -> String {
    let lines: Vec<String> = multi_line(text).lines().map(escaped).collect();
    // Two blanks at the end keep the line where it ends.
    lines.join("  \n")
}

fn plain(text: &str) -> String {
    let mut out = String::new();
    for c in one_line(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hostile() -> Document {
        let mut document = Document::new("a *b* <script>");
        document.heading(2, "# [x](javascript:1)");
        document.text("first\nsecond <img src=x>");
        document.list(vec!["- item".to_owned(), "a | b\u{1b}[31m".to_owned()]);
        document.table(&["x", "y"], vec![vec!["1|2".to_owned(), "<td>".to_owned()]]);
        document.list(Vec::new());
        document
    }

    #[test]
    fn what_people_typed_is_no_markup_in_markdown() {
        let text = hostile().markdown();
        assert!(text.starts_with("# a \\*b\\* \\<script\\>\n"), "{text}");
        assert!(text.contains("## \\# \\[x\\](javascript:1)\n"), "{text}");
        assert!(text.contains("first  \nsecond \\<img src=x\\>\n"), "{text}");
        assert!(text.contains("- \\- item\n") && text.contains("| 1\\|2 | \\<td\\> |\n"), "{text}");
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }

    #[test]
    fn what_people_typed_is_no_markup_in_html() {
        let text = hostile().html();
        assert!(text.contains("<title>a *b* &lt;script&gt;</title>"), "{text}");
        assert!(text.contains("<p>first<br>\nsecond &lt;img src=x&gt;</p>"), "{text}");
        assert!(!text.contains("<script") && !text.contains("<img"), "{text}");
        assert_eq!(text.matches("<ul>").count(), 1, "an empty list is none");
    }
}
