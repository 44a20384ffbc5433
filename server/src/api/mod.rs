//! The REST API.

mod access;
mod audit;
mod blackouts;
mod calendar;
mod containers;
mod docs;
mod events;
mod forecast;
mod history;
mod hooks;
mod hosts;
mod labels;
mod marks;
mod members;
mod pauses;
mod providers;
mod retention;
mod runs;
mod schedules;
mod secrets;
mod shares;
mod statistics;
mod teams;
mod transfer;
mod version;
mod views;

use crate::router::Routes;

pub fn routes(routes: Routes) -> Routes {
    let routes = version::routes(routes);
    let routes = docs::routes(routes);
    let routes = events::routes(routes);
    let routes = access::routes(routes);
    let routes = audit::routes(routes);
    let routes = members::routes(routes);
    let routes = teams::routes(routes);
    let routes = shares::routes(routes);
    let routes = providers::routes(routes);
    let routes = hosts::routes(routes);
    let routes = containers::routes(routes);
    let routes = marks::routes(routes);
    let routes = views::routes(routes);
    let routes = schedules::routes(routes);
    let routes = labels::routes(routes);
    let routes = history::routes(routes);
    let routes = retention::routes(routes);
    let routes = statistics::routes(routes);
    let routes = hooks::routes(routes);
    let routes = forecast::routes(routes);
    let routes = transfer::routes(routes);
    let routes = calendar::routes(routes);
    let routes = pauses::routes(routes);
    let routes = blackouts::routes(routes);
    let routes = secrets::routes(routes);
    runs::routes(routes)
}
