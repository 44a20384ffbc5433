//! How the browser calls server functions: with the build that made the page, so that a page of another build is told.

use bytes::Bytes;
use futures::{Sink, Stream};
use leptos::prelude::*;
use server_fn::{
    client::{Client, browser::BrowserClient},
    request::browser::BrowserRequest,
    response::browser::BrowserResponse,
};

/// The header that carries the build.
const BUILD: &str = "x-chrontainer-build";

/// leptos' own client, and the header.
pub struct Browser;

impl<E, I, O> Client<E, I, O> for Browser
where
    E: FromServerFnError,
    I: FromServerFnError,
    O: FromServerFnError,
{
    type Request = BrowserRequest;
    type Response = BrowserResponse;

    fn send(request: Self::Request) -> impl Future<Output = Result<Self::Response, E>> + Send {
        if let Some(build) = document()
            .document_element()
            .and_then(|root| root.get_attribute("data-build"))
        {
            request.headers().set(BUILD, &build);
        }
        <BrowserClient as Client<E, I, O>>::send(request)
    }

    fn open_websocket(
        url: &str,
    ) -> impl Future<
        Output = Result<
            (
                impl Stream<Item = Result<Bytes, Bytes>> + Send + 'static,
                impl Sink<Bytes> + Send + 'static,
            ),
            E,
        >,
    > + Send {
        <BrowserClient as Client<E, I, O>>::open_websocket(url)
    }

    fn spawn(future: impl Future<Output = ()> + Send + 'static) {
        <BrowserClient as Client<E, I, O>>::spawn(future);
    }
}
