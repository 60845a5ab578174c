//! The file of allowed signers: whose key is whose (ssh-keygen(1), ALLOWED SIGNERS).
//!
//! `ssh-keygen` decides whether a signature is good. This reads the same file for two other questions: which of a
//! person's keys could sign, and whether it has lines that would let one person sign as another.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// One line: names, and the key that stands for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub number: usize,
    pub principals: Vec<String>,
    pub key_type: String,
    pub key: Vec<u8>,
    /// Whether it is for every namespace or for ours.
    pub is_for_us: bool,
}

impl Line {
    pub fn is_of(&self, person: &str) -> bool {
        self.is_for_us && self.principals.iter().any(|name| name == person)
    }
}

/// What the file says, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AllowedSigners {
    pub lines: Vec<Line>,
    /// Line number and why it is not used.
    pub faults: Vec<(usize, &'static str)>,
}

impl AllowedSigners {
    pub fn parse(text: &str) -> Self {
        let mut all = Self::default();
        for (at, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match read(at + 1, line) {
                Ok(line) => all.lines.push(line),
                Err(why) => all.faults.push((at + 1, why)),
            }
        }
        all
    }

    /// The keys that stand for `person`.
    pub fn keys_of<'a>(&'a self, person: &'a str) -> impl Iterator<Item = &'a Line> {
        self.lines.iter().filter(move |line| line.is_of(person))
    }

    /// Whether exactly this key stands for exactly this name.
    pub fn knows(&self, person: &str, key: &[u8]) -> bool {
        self.keys_of(person).any(|line| line.key == key)
    }
}

fn read(number: usize, line: &str) -> Result<Line, &'static str> {
    let fields = fields(line);
    let [names, rest @ ..] = fields.as_slice() else { return Err("it is empty") };
    // Options stand between the names and the key, and none of them is the name of a key type.
    let (options, rest) = match rest {
        [first, others @ ..] if !is_key_type(first) => (first.as_str(), others),
        all => ("", all),
    };
    let [key_type, key, ..] = rest else { return Err("it names no key") };
    let principals: Vec<String> = names.split(',').map(str::to_owned).collect();
    if principals.iter().any(|name| name.contains(['*', '?', '!'])) {
        return Err("a pattern for a name would let one person sign as another; name each person");
    }
    let mut is_for_us = true;
    for option in split_options(options) {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        match name.to_ascii_lowercase().as_str() {
            "namespaces" => {
                let value = value.trim_matches('"');
                is_for_us = value.split(',').any(|name| name == super::NAMESPACE);
            }
            "valid-after" | "valid-before" => {}
            "cert-authority" => return Err("certificates are not supported; name the key of each person"),
            _ => return Err("it has an option that relman does not know"),
        }
    }
    let key = STANDARD.decode(key).map_err(|_| "its key cannot be read")?;
    Ok(Line { number, principals, key_type: key_type.clone(), key, is_for_us })
}

fn is_key_type(field: &str) -> bool {
    ["ssh-", "ecdsa-", "sk-"].iter().any(|start| field.starts_with(start))
}

/// Splits at blanks that are not within quotes.
fn fields(line: &str) -> Vec<String> {
    let (mut all, mut field, mut quoted) = (Vec::new(), String::new(), false);
    for c in line.chars() {
        match c {
            ' ' | '\t' if !quoted => {
                if !field.is_empty() {
                    all.push(std::mem::take(&mut field));
                }
            }
            c => {
                quoted ^= c == '"';
                field.push(c);
            }
        }
    }
    if !field.is_empty() {
        all.push(field);
    }
    all
}

fn split_options(options: &str) -> Vec<&str> {
    let mut quoted = false;
    let parts = options.split(move |c: char| {
        quoted ^= c == '"';
        c == ',' && !quoted
    });
    parts.filter(|part| !part.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "AAAAC3NzaC1lZDI1NTE5AAAAINqMuTRDP4sbaKyBhhm5DW0uVZF/sZ26s7KOlAyruK+p";

    #[test]
    fn keys_are_found_by_exact_name_and_purpose() {
        let text = format!(
            "# people\n\nbob,robert namespaces=\"git,approval@relman\",valid-before=\"20271231\" ssh-ed25519 {KEY} bob@x\n\
             erin namespaces=\"git\" ssh-ed25519 {KEY}\ndave ssh-ed25519 {KEY} a comment\n"
        );
        let all = AllowedSigners::parse(&text);
        assert_eq!(all.faults, []);
        let found = |name: &'static str| all.keys_of(name).map(|line| line.number).collect::<Vec<_>>();
        assert_eq!((found("bob"), found("robert"), found("bo")), (vec![3], vec![3], vec![]));
        assert_eq!((found("erin"), found("dave")), (vec![], vec![5]));
        assert!(all.knows("bob", &STANDARD.decode(KEY).unwrap()));
        assert!(!all.knows("bob", b"another"));
    }

    #[test]
    fn lines_that_let_one_sign_as_another_are_named() {
        let text = format!(
            "* ssh-ed25519 {KEY}\n*@example.org ssh-ed25519 {KEY}\nbob cert-authority ssh-ed25519 {KEY}\n\
             bob no-touch-required ssh-ed25519 {KEY}\nbob ssh-ed25519\nbob ssh-ed25519 ???\n"
        );
        let all = AllowedSigners::parse(&text);
        assert_eq!(all.lines, []);
        assert_eq!(all.faults.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
    }
}
