//! Every path that is served, in one table: the router is made from it, and the OpenAPI document is compared with it.

use super::app::{App, Lane};
use super::events::{bookings, catalogue, holds, shop, waiting};
use super::problem::{Code, Problem};
use super::{admit, health, origin, page, pages, reservations, seats, stream, trace};
use axum::Router;
use axum::extract::MatchedPath;
use axum::http::{Method, Uri};
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, delete, get, post};

/// A path, its lane, its methods, and who serves it.
struct Route {
    path: &'static str,
    lane: Lane,
    methods: &'static [&'static str],
    serve: fn() -> MethodRouter<App>,
}

const ROUTES: &[Route] = {
    const fn route(
        path: &'static str,
        lane: Lane,
        methods: &'static [&'static str],
        serve: fn() -> MethodRouter<App>,
    ) -> Route {
        Route { path, lane, methods, serve }
    }
    &[
        route("/livez", Lane::Health, &["get"], || get(health::livez)),
        route("/readyz", Lane::Health, &["get"], || get(health::readyz)),
        route("/metrics", Lane::Health, &["get"], || get(health::metrics)),
        route("/v1/status", Lane::Health, &["get"], || get(health::status)),
        route("/v1/seats", Lane::Work, &["get"], || get(seats::list)),
        route("/v1/reservations", Lane::Work, &["post"], || post(reservations::make)),
        route("/v1/reservations/{name}", Lane::Work, &["get", "delete"], || {
            get(reservations::find).delete(reservations::delete)
        }),
        route("/v1/seats/stream", Lane::Work, &["get"], || get(stream::theatre)),
        route("/v1/events/stream", Lane::Work, &["get"], || get(stream::everything)),
        route("/v1/events/{id}/{kind}/stream", Lane::Work, &["get"], || get(stream::event)),
        route("/v1/branches", Lane::Work, &["get", "post"], || {
            get(catalogue::branches).post(catalogue::add_branch)
        }),
        route("/v1/branches/{code}/theatres", Lane::Work, &["post"], || post(catalogue::add_theatre)),
        route("/v1/kinds", Lane::Work, &["get", "post"], || get(catalogue::kinds).post(catalogue::add_kind)),
        route("/v1/events", Lane::Work, &["get", "post"], || get(catalogue::events).post(catalogue::add)),
        route("/v1/events/{id}/{kind}", Lane::Work, &["get", "delete"], || {
            get(catalogue::event).delete(catalogue::remove)
        }),
        route("/v1/events/{id}/{kind}/seats", Lane::Work, &["get"], || get(catalogue::seats)),
        route("/v1/events/{id}/{kind}/bookings", Lane::Work, &["post"], || post(bookings::book)),
        route("/v1/events/{id}/{kind}/bookings/{holder}", Lane::Work, &["get", "delete"], || {
            get(bookings::booking).delete(bookings::cancel)
        }),
        route("/v1/events/{id}/{kind}/holds", Lane::Work, &["post"], || post(holds::hold)),
        route("/v1/events/{id}/{kind}/holds/{holder}", Lane::Work, &["get", "delete"], || {
            get(holds::held).delete(holds::release)
        }),
        route("/v1/events/{id}/{kind}/holds/{holder}/confirm", Lane::Work, &["post"], || {
            post(holds::confirm)
        }),
        route("/v1/events/{id}/{kind}/holds/{holder}/extend", Lane::Work, &["post"], || post(holds::extend)),
        route("/v1/events/{id}/{kind}/waiting", Lane::Work, &["get", "post"], || {
            get(waiting::list).post(waiting::join)
        }),
        route("/v1/events/{id}/{kind}/waiting/{holder}", Lane::Work, &["get", "delete"], || {
            get(waiting::place).delete(waiting::leave)
        }),
        route("/v1/exchanges", Lane::Work, &["post"], || post(bookings::exchange)),
        route("/v1/availability", Lane::Work, &["get"], || get(catalogue::availability)),
        route("/v1/people/{holder}/schedule", Lane::Work, &["get"], || get(bookings::schedule)),
        route("/v1/people/{holder}/bookings/{id}", Lane::Work, &["delete"], || {
            delete(bookings::cancel_by_id)
        }),
        route("/v1/tickets/{ticket}", Lane::Work, &["get", "delete"], || {
            get(bookings::ticket).delete(bookings::delete_ticket)
        }),
        route("/v1/trace", Lane::Work, &["get"], || get(trace::seen)),
        route("/", Lane::Work, &["get"], || get(page::show)),
        route("/events", Lane::Work, &["get"], || get(shop::list)),
        route("/reserve", Lane::Work, &["post"], || post(shop::reserve)),
        route("/openapi.json", Lane::Work, &["get"], || get(pages::openapi)),
        route("/docs", Lane::Work, &["get"], || get(pages::docs)),
        route("/docs.js", Lane::Work, &["get"], || get(pages::script)),
        route("/problems/{code}", Lane::Work, &["get"], || get(pages::problem)),
    ]
};

/// How a path is counted, and its lane: those that are not served are one.
pub(super) fn label(matched: Option<&str>) -> (&'static str, Lane) {
    let route = matched.and_then(|path| ROUTES.iter().find(|route| route.path == path));
    route.map_or(("none", Lane::Work), |route| (route.path, route.lane))
}

/// Everything behind the gate.
pub(super) fn router(app: App) -> Router {
    let mut router = Router::new();
    for Route { path, serve, .. } in ROUTES {
        router = router.route(path, serve());
    }
    router
        .fallback(nothing_here)
        .method_not_allowed_fallback(no_such_method)
        .layer(from_fn_with_state(app.clone(), admit::gate))
        .layer(from_fn_with_state(app.clone(), origin::admit))
        .with_state(app)
}

async fn nothing_here(uri: Uri) -> Problem {
    Problem::new(Code::NotFound, format!("{:?} is not served; see /docs", uri.path()))
}

async fn no_such_method(method: Method, path: MatchedPath) -> Problem {
    let route = ROUTES.iter().find(|route| route.path == path.as_str());
    let methods = route.map_or(String::new(), |route| route.methods.join(", ")).to_uppercase();
    Problem::new(Code::MethodNotAllowed, format!("it has {methods}, not {method}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use std::collections::BTreeSet;

    #[test]
    fn the_document_describes_every_route_and_no_other() {
        let document: Value = serde_json::from_str(pages::OPENAPI).unwrap();
        let mut described = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for method in item.as_object().unwrap().keys().filter(|key| *key != "parameters") {
                described.insert((path.clone(), method.clone()));
            }
        }
        let served = ROUTES.iter().flat_map(|route| {
            route.methods.iter().map(|method| (route.path.to_owned(), (*method).to_owned()))
        });
        assert_eq!(described, served.collect());
    }

    #[test]
    fn the_document_names_every_problem() {
        let document: Value = serde_json::from_str(pages::OPENAPI).unwrap();
        let codes = document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"].as_array();
        let named: BTreeSet<&str> = codes.unwrap().iter().map(|code| code.as_str().unwrap()).collect();
        assert_eq!(named, Code::ALL.iter().map(|code| code.as_str()).collect());
    }

    #[test]
    fn paths_are_counted_by_route() {
        assert_eq!(label(Some("/v1/reservations/{name}")), ("/v1/reservations/{name}", Lane::Work));
        assert_eq!(label(Some("/livez")), ("/livez", Lane::Health));
        assert_eq!(label(None), ("none", Lane::Work));
    }
}
