//! The REST API.

mod containers;
mod docs;
mod events;
mod hosts;
mod runs;
mod schedules;
mod version;

use crate::router::Routes;

pub fn routes(routes: Routes) -> Routes {
    let routes = version::routes(routes);
    let routes = docs::routes(routes);
    let routes = events::routes(routes);
    let routes = hosts::routes(routes);
    let routes = containers::routes(routes);
    let routes = schedules::routes(routes);
    runs::routes(routes)
}
