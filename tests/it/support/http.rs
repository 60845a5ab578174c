//! A web server for one test: answers what the test says, and remembers what it was asked.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops where it is")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::wait;

/// What came in.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|why| panic!("{why}: {}", self.body))
    }
}

/// How the server answers.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// Status, further header lines, body.
    With(u16, &'static str, String),
    /// The connection is closed without a word.
    Closed,
    /// Nothing is said for so long.
    Silent(Duration),
}

impl Reply {
    pub(crate) fn json(value: &serde_json::Value) -> Self {
        Self::With(200, "Content-Type: application/json\r\n", value.to_string())
    }

    pub(crate) fn status(status: u16) -> Self {
        Self::With(status, "", String::new())
    }
}

type Answers = Box<dyn FnMut(&Asked) -> Reply + Send>;

pub(crate) struct Server {
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// Answers every request by `answer` as long as the test runs.
    pub(crate) fn new(answer: impl FnMut(&Asked) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (seen, answer) = (Arc::clone(&asked), Arc::new(Mutex::new(Box::new(answer) as Answers)));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                std::thread::spawn(move || serve(stream, &seen, &answer));
            }
        });
        Self { url, asked }
    }

    /// The same answer to everything.
    pub(crate) fn always(reply: Reply) -> Self {
        Self::new(move |_| reply.clone())
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// Waits until it was asked so often.
    #[track_caller]
    pub(crate) fn until_asked(&self, times: usize) -> Vec<Asked> {
        wait::until(&format!("{times} requests"), || self.asked(), |asked| asked.len() >= times)
    }
}

fn serve(stream: TcpStream, seen: &Mutex<Vec<Asked>>, answer: &Mutex<Answers>) {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    if reader.read_line(&mut first).unwrap_or(0) == 0 {
        return;
    }
    let mut words = first.split(' ');
    let (method, path) = (words.next().unwrap().to_owned(), words.next().unwrap_or_default().to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let mut body = vec![0; length.map_or(0, |(_, value)| value.parse().unwrap())];
    reader.read_exact(&mut body).unwrap();
    let asked = Asked { method, path, headers, body: String::from_utf8(body).unwrap() };
    let reply = (answer.lock().unwrap())(&asked);
    seen.lock().unwrap().push(asked);
    let stream = reader.get_mut();
    match reply {
        Reply::Closed => {}
        Reply::Silent(time) => {
            // Until whoever asked has gone, and not longer than the test lasts.
            let _gone = stream.set_read_timeout(Some(time));
            let _nothing = stream.read(&mut [0]);
        }
        Reply::With(status, headers, body) => {
            let head = format!(
                "HTTP/1.1 {status} Said\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n",
                body.len()
            );
            // Whoever asked may not want to read all of it.
            let _gone = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
        }
    }
}
