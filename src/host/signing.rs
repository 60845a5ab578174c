//! Signatures with SSH keys: made and looked at by OpenSSH's own `ssh-keygen -Y`.
//!
//! OpenSSH knows agents, security keys, key files, validity and revocation; what it does not ask (whether a security
//! key was touched, whether a line of the file lets one person sign as another) is asked here. Its programs are looked
//! for in the system's directories only: a `PATH` that somebody set may name another `ssh-keygen`.

use std::io::{IsTerminal as _, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User, getuid};

use super::{environment, process};
use crate::domain::policy::KeyFiles;
use crate::domain::signature::signers::AllowedSigners;
use crate::domain::signature::sshsig::{SshSig, fingerprint};
use crate::domain::signature::{Held, NAMESPACE, Signed, Signer};
use crate::domain::text::{counted, one_line, quoted};
use crate::domain::time::Timestamp;
use crate::ops::approval::sign::Order;

const PLACES: [&str; 3] = ["/usr/bin", "/usr/local/bin", "/bin"];
/// How long a person may take to touch a key or to type a passphrase.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long looking at a signature may take.
const SOON: Duration = Duration::from_secs(10);
/// More than any list of people's keys.
const MOST: u64 = 1 << 20;

/// A key that could sign: where `ssh-keygen` finds it.
struct Key {
    path: PathBuf,
    held: Held,
    /// The file that holds the public part of a key in an agent, for as long as it is needed.
    _file: Option<tempfile::NamedTempFile>,
}

/// Signs with a key that stands for the person, or says why not and what would help.
pub(super) fn sign(order: &Order<'_>, config: &Path) -> Result<Signed, String> {
    let allowed = allowed(&order.keys.allowed, config)?;
    let key = find(order, &allowed)?;
    let path = key.path.to_string_lossy().into_owned();
    let args = ["-Y", "sign", "-f", &path, "-n", NAMESPACE];
    let ask = order.may_ask && std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    let output = run("ssh-keygen", &args, order.statement.as_bytes(), ask, PATIENCE)?;
    if !output.status.success() {
        let why = last_line(&output.stderr);
        return Err(format!(
            "{path} could not sign ({why}); a locked agent, a key that must be confirmed, a passphrase nobody was asked for \
             and a key added with ssh-add -h cannot"
        ));
    }
    let signature =
        String::from_utf8(output.stdout).map_err(|_| "ssh-keygen gave no signature".to_owned())?;
    Ok(Signed { statement: order.statement.clone(), signature, held: key.held })
}

fn find(order: &Order<'_>, allowed: &AllowedSigners) -> Result<Key, String> {
    let person = order.person;
    let listed: Vec<&Vec<u8>> = allowed
        .keys_of(person)
        .filter(|line| !order.security_key || line.key_type.starts_with("sk-"))
        .map(|line| &line.key)
        .collect();
    let shown = order.keys.allowed.display();
    if listed.is_empty() {
        let kind = if order.security_key { "security key" } else { "key" };
        return Err(format!("{shown} lists no {kind} of {person} for {NAMESPACE}"));
    }
    let agent = agent_keys();
    if let Some(path) = &order.key {
        let public = public_key(path).or_else(|| public_key(&with_pub(path)));
        let held = match public.is_some_and(|key| agent.iter().any(|(blob, _)| *blob == key)) {
            true => Held::Agent,
            false => Held::File,
        };
        return Ok(Key { path: path.clone(), held, _file: None });
    }
    let is_listed = |blob: &Vec<u8>| listed.contains(&blob);
    if let Some((_, line)) = agent.iter().find(|(blob, _)| is_listed(blob)) {
        let unusable = |why: std::io::Error| format!("no temporary file for a public key: {why}");
        let mut file = tempfile::NamedTempFile::new().map_err(unusable)?;
        writeln!(file, "{line}").map_err(unusable)?;
        return Ok(Key { path: file.path().to_path_buf(), held: Held::Agent, _file: Some(file) });
    }
    let own = own_key_files()
        .into_iter()
        .find(|path| public_key(&with_pub(path)).is_some_and(|key| is_listed(&key)));
    own.map(|path| Key { path, held: Held::File, _file: None }).ok_or_else(|| {
        format!("none of the keys that {shown} lists for {person} is in your agent or your .ssh directory")
    })
}

fn with_pub(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".pub");
    PathBuf::from(name)
}

/// Private keys with a public part beside them, in the home directory the password database names.
fn own_key_files() -> Vec<PathBuf> {
    let Some(user) = User::from_uid(getuid()).ok().flatten() else { return Vec::new() };
    let Ok(entries) = std::fs::read_dir(user.dir.join(".ssh")) else { return Vec::new() };
    let mut found: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "pub"))
        .map(|path| path.with_extension(""))
        .filter(|path| path.is_file())
        .collect();
    found.sort();
    found
}

/// The key of a public key file: its second word, decoded.
fn public_key(path: &Path) -> Option<Vec<u8>> {
    let mut text = String::new();
    std::fs::File::open(path).ok()?.take(64 * 1024).read_to_string(&mut text).ok()?;
    blob_of(text.lines().next()?)
}

fn blob_of(line: &str) -> Option<Vec<u8>> {
    let mut words = line.split_ascii_whitespace();
    let known = words.next().is_some_and(|word| {
        word.starts_with("ssh-") || word.starts_with("ecdsa-") || word.starts_with("sk-")
    });
    known.then(|| words.next()).flatten().and_then(|key| STANDARD.decode(key).ok())
}

/// Keys of the agent with the line that names each; empty without one.
fn agent_keys() -> Vec<(Vec<u8>, String)> {
    if environment::variable("SSH_AUTH_SOCK").is_none() {
        return Vec::new();
    }
    let Ok(output) = run("ssh-add", &["-L"], b"", false, SOON) else { return Vec::new() };
    // One comment that is no UTF-8 must not hide the other keys.
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().filter_map(|line| Some((blob_of(line)?, line.to_owned()))).collect()
}

/// Whether the signature is good with a key that stood for `person` at `at`.
pub(super) fn check(
    keys: &KeyFiles,
    config: &Path,
    signed: &Signed,
    person: &str,
    at: Timestamp,
) -> Result<Signer, String> {
    let sig = SshSig::parse(&signed.signature).map_err(str::to_owned)?;
    if sig.namespace != NAMESPACE {
        let given = quoted(&sig.namespace, 40);
        return Err(format!("it was made for {given} and not for {NAMESPACE}"));
    }
    let allowed = allowed(&keys.allowed, config)?;
    let print = fingerprint(&sig.key);
    if !allowed.knows(person, &sig.key) {
        return Err(format!("{} does not list the key {print} for {person}", keys.allowed.display()));
    }
    if let Some(revoked) = &keys.revoked {
        guarded(revoked, config)?;
    }
    match verified(&keys.allowed, keys.revoked.as_deref(), signed, person, at) {
        Ok(()) => Ok(Signer {
            principal: person.to_owned(),
            fingerprint: print,
            key_type: sig.key_type,
            touched: sig.touched,
        }),
        // Good but for that: it is the key that has been taken back.
        Err(why) => Err(match &keys.revoked {
            Some(list) if verified(&keys.allowed, None, signed, person, at).is_ok() => {
                format!("{person}'s key {print} has been revoked ({})", list.display())
            }
            _ => format!("ssh-keygen does not accept it with {print} of {person}: {why}"),
        }),
    }
}

/// The same with a list of keys that somebody else vouches for: it came with an archive, or from whoever verifies that.
pub fn check_with(list: &str, signed: &Signed, person: &str, at: Timestamp) -> Result<Signer, String> {
    let sig = SshSig::parse(&signed.signature).map_err(str::to_owned)?;
    if sig.namespace != NAMESPACE {
        let given = quoted(&sig.namespace, 40);
        return Err(format!("it was made for {given} and not for {NAMESPACE}"));
    }
    let print = fingerprint(&sig.key);
    if !AllowedSigners::parse(list).knows(person, &sig.key) {
        return Err(format!("the list of keys does not name the key {print} for {person}"));
    }
    let unusable = |why: std::io::Error| format!("no temporary file for a list of keys: {why}");
    let mut file = tempfile::NamedTempFile::new().map_err(unusable)?;
    file.write_all(list.as_bytes()).map_err(unusable)?;
    let print = match verified(file.path(), None, signed, person, at) {
        Ok(()) => print,
        Err(why) => return Err(format!("ssh-keygen does not accept it with {print} of {person}: {why}")),
    };
    Ok(Signer {
        principal: person.to_owned(),
        fingerprint: print,
        key_type: sig.key_type,
        touched: sig.touched,
    })
}

/// What ssh-keygen says of a signature; why not, where it does not accept it.
fn verified(
    allowed: &Path,
    revoked: Option<&Path>,
    signed: &Signed,
    person: &str,
    at: Timestamp,
) -> Result<(), String> {
    let unusable = |why: std::io::Error| format!("no temporary file for a signature: {why}");
    let mut file = tempfile::NamedTempFile::new().map_err(unusable)?;
    file.write_all(signed.signature.as_bytes()).map_err(unusable)?;
    let (allowed, file_path) = (allowed.to_string_lossy(), file.path().to_string_lossy());
    let when = format!("verify-time={}", at.utc().format("%Y%m%d%H%M%S"));
    let mut args =
        vec!["-Y", "verify", "-f", &allowed, "-I", person, "-n", NAMESPACE, "-s", &file_path, "-O", &when];
    let revoked = revoked.map(|path| path.to_string_lossy());
    if let Some(revoked) = &revoked {
        args.extend(["-r", revoked]);
    }
    let output = run("ssh-keygen", &args, signed.statement.as_bytes(), false, SOON)?;
    if !output.status.success() {
        let said = [last_line(&output.stdout), last_line(&output.stderr)];
        let said: Vec<String> = said.into_iter().filter(|line| !line.is_empty()).collect();
        return Err(said.join("; "));
    }
    Ok(())
}

/// What about the files that list keys, and the programs that use them, keeps decisions from being signed or believed.
pub fn examine(keys: &KeyFiles, config: &Path) -> Vec<(bool, String)> {
    let mut found = Vec::new();
    let shown = keys.allowed.display();
    match allowed(&keys.allowed, config) {
        Err(why) => found.push((false, why)),
        Ok(listed) => {
            for (line, why) in &listed.faults {
                found.push((false, format!("{shown} line {line} is not used: {why}")));
            }
            let names: std::collections::BTreeSet<&String> =
                listed.lines.iter().filter(|line| line.is_for_us).flat_map(|line| &line.principals).collect();
            let count = names.len() as u64;
            found.push((count > 0, format!("{shown} lists keys of {}", counted(count, "person", "people"))));
        }
    }
    if let Some(Err(why)) = keys.revoked.as_ref().map(|path| guarded(path, config)) {
        found.push((false, why));
    }
    for program in ["ssh-keygen", "ssh-add"] {
        if place_of(program).is_none() {
            found.push((false, lacking(program)));
        }
    }
    found
}

/// The file of allowed signers, if nobody could have put a key into it who may not.
fn allowed(path: &Path, config: &Path) -> Result<AllowedSigners, String> {
    let text = guarded(path, config)?;
    Ok(AllowedSigners::parse(&text))
}

/// Reads a file that says whose key is whose: it must belong to root or to who owns the configuration, and only its
/// owner may write it. Everybody else who could write it could sign in anybody's name.
fn guarded(path: &Path, config: &Path) -> Result<String, String> {
    let shown = path.display();
    let mut file = std::fs::File::open(path).map_err(|why| format!("{shown} cannot be read: {why}"))?;
    let meta = file.metadata().map_err(|why| format!("{shown} cannot be looked at: {why}"))?;
    let owner_of_config = std::fs::metadata(config).map_or(0, |meta| meta.uid());
    if meta.uid() != 0 && meta.uid() != owner_of_config {
        return Err(format!(
            "{shown} belongs to {}, who owns neither the system nor relman.toml: chown it to who keeps both",
            super::identity::name_of(meta.uid())
        ));
    }
    if meta.mode() & 0o022 != 0 {
        return Err(format!(
            "{shown} can be written by others than its owner, so anybody's key could be in it: chmod go-w {shown}"
        ));
    }
    let mut bytes = Vec::new();
    let read = std::io::Read::by_ref(&mut file).take(MOST + 1).read_to_end(&mut bytes);
    read.map_err(|why| format!("{shown} cannot be read: {why}"))?;
    if bytes.len() as u64 > MOST {
        return Err(format!("{shown} is larger than 1 MiB"));
    }
    // A binary revocation list is for ssh-keygen to read.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Tells one state of such a file from another: any write or replacement changes it.
pub(super) fn state_of(path: &Path) -> String {
    let meta = std::fs::metadata(path).ok();
    let parts = meta.map(|meta| (meta.dev(), meta.ino(), meta.size(), meta.ctime(), meta.ctime_nsec()));
    format!("{} {parts:?}", path.display())
}

fn last_line(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let line = text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
    crate::domain::text::fit(&one_line(line.trim_end_matches('\r')), 200)
}

fn place_of(program: &str) -> Option<PathBuf> {
    PLACES.iter().map(|dir| Path::new(dir).join(program)).find(|path| path.is_file())
}

fn lacking(program: &str) -> String {
    format!("there is no {program} here: install OpenSSH's client programs")
}

/// Runs one of OpenSSH's programs with a clean environment.
fn run(program: &str, args: &[&str], input: &[u8], ask: bool, patience: Duration) -> Result<Output, String> {
    let found = place_of(program).ok_or_else(|| lacking(program))?;
    let mut command = process::std_command(&found.to_string_lossy());
    command.args(args).env_clear().env("PATH", PLACES.join(":")).env("LANG", "C").env("TZ", "UTC");
    if let Some(user) = User::from_uid(getuid()).ok().flatten() {
        command.env("HOME", user.dir);
    }
    let handed = if ask {
        &["SSH_AUTH_SOCK", "TERM", "DISPLAY", "WAYLAND_DISPLAY", "SSH_ASKPASS"][..]
    } else {
        &["SSH_AUTH_SOCK"]
    };
    for name in handed {
        if let Some(value) = environment::variable(name) {
            command.env(name, value);
        }
    }
    if !ask {
        // Asked for a passphrase, it gets none: the screen belongs to somebody else.
        command.env("SSH_ASKPASS", "/bin/false").env("SSH_ASKPASS_REQUIRE", "force");
    }
    let stderr = if ask { Stdio::inherit() } else { Stdio::piped() };
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(stderr);
    let broken = |why: std::io::Error| format!("{program} cannot be run: {why}");
    let mut child = command.spawn().map_err(broken)?;
    if let Some(mut stdin) = child.stdin.take() {
        // One that has ended already says itself what was wrong.
        let _gone = stdin.write_all(input);
    }
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap_or(i32::MAX));
    let (tell, told) = channel();
    let waiter = std::thread::spawn(move || tell.send(child.wait_with_output()));
    let ended = told.recv_timeout(patience);
    if ended.is_err() {
        let _gone = kill(pid, Signal::SIGKILL);
    }
    let _joined = waiter.join();
    match ended {
        Ok(output) => output.map_err(broken),
        Err(_) => Err(format!("{program} did not answer within {} seconds", patience.as_secs())),
    }
}
