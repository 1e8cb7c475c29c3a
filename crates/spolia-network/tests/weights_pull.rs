//! Downloads, from a server on this machine: right and wrong checksums, missing files, nobody there.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    thread::JoinHandle,
};

use spolia_network::{
    Convention, Error, Weights,
    weights::{Checksum, SOURCES, Source, starter, starter_path},
};

/// Serves one answer to one request; gives its URL.
fn serve(status: &'static str, announced: usize, body: Vec<u8>) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!(
        "http://{}/models/w.safetensors",
        listener.local_addr().unwrap()
    );
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = BufReader::new(stream.try_clone().unwrap())
            .lines()
            .map_while(Result::ok);
        let first = request.next().unwrap_or_default();
        request.find(String::is_empty);
        write!(
            stream,
            "HTTP/1.1 {status}\r\nContent-Length: {announced}\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        // The client may hang up once it knows enough.
        let _ = stream.write_all(&body);
        first
    });
    (url, server)
}

fn source<'a>(url: &'a str, checksum: Checksum<'a>) -> Source<'a> {
    Source {
        name: "local/starter",
        url,
        checksum,
        ..SOURCES[3]
    }
}

/// The error of pulling what the server gives; nothing may be left behind.
fn refused(url: &str, checksum: Checksum<'_>) -> Error {
    let folder = tempfile::tempdir().unwrap();
    let error = source(url, checksum)
        .pull(folder.path(), &mut |_, _| {})
        .unwrap_err();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    error
}

#[test]
fn right_checksum() {
    let body = fs::read(starter_path().unwrap()).unwrap();
    let length = body.len() as u64;
    let (url, server) = serve("200 OK", body.len(), body);
    let folder = tempfile::tempdir().unwrap();
    let mut last = None;
    let source = source(&url, Checksum::Sha256("9ff96345"));
    let path = source
        .pull(folder.path().join("new"), &mut |done, all| {
            last = Some((done, all))
        })
        .unwrap();
    assert_eq!(server.join().unwrap(), "GET /models/w.safetensors HTTP/1.1");
    assert_eq!(last, Some((length, Some(length))));
    assert_eq!(path, folder.path().join("new/local-starter.safetensors"));
    let pulled = Weights::load(&path, None).unwrap();
    assert!(pulled.tensors == starter().unwrap().tensors);
    assert_eq!(pulled.metadata.convention, Some(Convention::Keras));
    assert_eq!(
        pulled.metadata.provenance.as_deref(),
        Some(SOURCES[3].provenance)
    );
    let sha256 = "9ff963458cf01fa7cfead4584cd4e75d3b93d503d50edef9239610cb476a8820";
    assert_eq!(
        pulled.metadata.history[0],
        format!("downloaded from {url} (SHA-256 {sha256})")
    );
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
}

#[test]
fn wrong_checksums() {
    // Of "abc": SHA-256 ba7816bf..., MD5 900150983cd24fb0d6963f7d28e17f72 (RFC 1321).
    for (checksum, said) in [
        (
            Checksum::Sha256("0cc3c7bd"),
            "the download's SHA-256 is ba7816bf, its makers' is 0cc3c7bd",
        ),
        (
            Checksum::Md5("00"),
            "the download's MD5 is 900150983cd24fb0d6963f7d28e17f72, its makers' is 00",
        ),
    ] {
        let (url, server) = serve("200 OK", 3, b"abc".to_vec());
        let text = refused(&url, checksum).to_string();
        server.join().unwrap();
        assert!(
            text.starts_with(&url) && text.contains(said) && text.contains("--convention keras"),
            "{text}"
        );
    }
}

#[test]
fn right_checksum_of_something_else() {
    for checksum in [
        Checksum::Md5("900150983cd24fb0d6963f7d28e17f72"),
        Checksum::None,
    ] {
        let (url, server) = serve("200 OK", 3, b"abc".to_vec());
        assert!(matches!(refused(&url, checksum), Error::Format { .. }));
        server.join().unwrap();
    }
}

#[test]
fn broken_off() {
    let (url, server) = serve("200 OK", 10, b"abc".to_vec());
    let text = refused(&url, Checksum::None).to_string();
    server.join().unwrap();
    assert!(text.contains("broken off after 3 bytes"), "{text}");
}

#[test]
fn not_found() {
    let (url, server) = serve("404 Not Found", 0, Vec::new());
    let text = refused(&url, Checksum::None).to_string();
    server.join().unwrap();
    assert!(text.contains("404") && text.contains("by hand"), "{text}");
}

#[test]
fn nobody_there() {
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let url = format!("http://{address}/w");
    let error = refused(&url, Checksum::None);
    assert!(matches!(error, Error::Download { .. }));
    assert!(error.to_string().starts_with(&url), "{error}");
}

#[test]
fn names() {
    assert_eq!(
        Source::named("keras/inception_v3").unwrap().file_name(),
        "keras-inception_v3.safetensors"
    );
    let text = Source::named("inception").unwrap_err().to_string();
    assert!(
        text.contains("torchvision/inception_v3, timm/inception_v3.tv_in1k, keras/inception_v3"),
        "{text}"
    );
}
