//! The REST API.

mod blackouts;
mod calendar;
mod containers;
mod docs;
mod events;
mod forecast;
mod hosts;
mod marks;
mod pauses;
mod runs;
mod schedules;
mod secrets;
mod transfer;
mod version;
mod views;

use crate::router::Routes;

pub fn routes(routes: Routes) -> Routes {
    let routes = version::routes(routes);
    let routes = docs::routes(routes);
    let routes = events::routes(routes);
    let routes = hosts::routes(routes);
    let routes = containers::routes(routes);
    let routes = marks::routes(routes);
    let routes = views::routes(routes);
    let routes = schedules::routes(routes);
    let routes = forecast::routes(routes);
    let routes = transfer::routes(routes);
    let routes = calendar::routes(routes);
    let routes = pauses::routes(routes);
    let routes = blackouts::routes(routes);
    let routes = secrets::routes(routes);
    runs::routes(routes)
}
