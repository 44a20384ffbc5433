//! Files of the interface.

use reqwest::{Method, header};
use testkit::{
    postgres::TestDatabase,
    server::{Answer, TestServer, TestServerOptions, migrations},
};

#[tokio::test]
async fn what_is_compressed_in_itself_is_sent_as_it_is() {
    let site = tempfile::tempdir().unwrap();
    std::fs::create_dir(site.path().join("fonts")).unwrap();
    let content = "body { color: black } ".repeat(100);
    for file in ["fonts/inter.woff2", "fonts/inter.css", "logo.svg", "picture.png"] {
        std::fs::write(site.path().join(file), &content).unwrap();
    }
    let database = TestDatabase::create(&migrations()).await.unwrap();
    let options = TestServerOptions::on(&database)
        .not_set_up()
        .env("CHRONTAINER_SITE_ROOT", site.path().to_str().unwrap());
    let server = TestServer::start(options).await.unwrap();
    for (path, kind, encoding) in [
        ("/fonts/inter.woff2", "font/woff2", ""),
        ("/picture.png", "image/png", ""),
        ("/fonts/inter.css", "text/css", "gzip"),
        ("/logo.svg", "image/svg+xml", "gzip"),
    ] {
        let request = server
            .request(Method::GET, path)
            .header(header::ACCEPT_ENCODING, "gzip, deflate");
        let response = request.send().await.unwrap();
        let header = |name| {
            response
                .headers()
                .get(name)
                .map_or("", |value| value.to_str().unwrap())
        };
        assert_eq!(
            (
                response.status().as_u16(),
                header(header::CONTENT_TYPE),
                header(header::CONTENT_ENCODING)
            ),
            (200, kind, encoding),
            "{path}"
        );
        let length = response.bytes().await.unwrap().len();
        assert_eq!(
            length == content.len(),
            encoding.is_empty(),
            "{path}: {length} bytes"
        );
    }
    let plain = Answer::of(server.request(Method::GET, "/fonts/inter.css")).await;
    assert_eq!(
        (plain.header("content-encoding"), plain.text.as_str()),
        ("", content.as_str())
    );
}
