//! A file for each system: how it is made ready, and how its connections speak.

mod boxoffice;
mod boxoffice_events;
mod ceiling;
#[cfg(feature = "etcd")]
mod etcd;
mod postgres;
mod redis;
mod stream;

use crate::args::{Freshness, GrowTarget, LoadArgs, System};
use crate::error::LoadError;

pub use boxoffice::reply as reply_of;

/// One run against this system; gives the line about it.
///
/// # Errors
/// [`LoadError`]
pub async fn run(system: System, load: LoadArgs) -> Result<String, LoadError> {
    match system {
        System::Boxoffice { servers, cluster, seats, events, reads } => {
            let asked = boxoffice::Asked { servers, cluster, seats, events, reads };
            boxoffice::run(&load, &asked).await
        }
        System::Ceiling { leader, seats } => ceiling::run(&load, &leader, seats).await,
        System::Redis { primary, replicas, seats } => redis::run(&load, &primary, replicas, seats).await,
        #[cfg(feature = "etcd")]
        System::Etcd { leader, way } => etcd::run(&load, &leader, way).await,
        System::Postgres { pgbench, scripts, port } => postgres::run(&load, &pgbench, &scripts, port).await,
    }
}

/// Grows as standard input says, until that ends.
///
/// # Errors
/// [`LoadError`]
pub async fn grow(target: GrowTarget, load: LoadArgs) -> Result<(), LoadError> {
    let GrowTarget { servers, cluster, seats, events, fill_depth } = target;
    let asked = boxoffice::Asked { servers, cluster, seats, events, reads: Freshness::Linearizable };
    boxoffice::grow(&load, &asked, usize::from(fill_depth)).await
}
