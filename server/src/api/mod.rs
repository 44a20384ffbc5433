//! The REST API.

mod events;
mod version;

use crate::router::Routes;

pub fn routes(routes: Routes) -> Routes {
    let routes = version::routes(routes);
    events::routes(routes)
}
