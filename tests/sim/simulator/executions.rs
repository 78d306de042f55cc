//! Everything that any server ever executed, as a tree: a history that forks has two branches.
//!
//! A digest names a whole history, so it is the key. Whoever executes something is checked against the oracle of its
//! branch: the same outcomes give the same digest.

use super::model::Model;
use boxoffice::domain::digest::Digest;
use boxoffice::domain::state::Config;
use boxoffice::protocol::types::{Position, Request};
use std::collections::BTreeMap;
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64;

/// One request executed after one history.
pub struct Execution {
    pub position: Position,
    before: Digest,
    branch: usize,
    request: Option<Arc<Request>>,
    /// Seats that are free after it, a bit each.
    pub free: u64,
}

struct Branch {
    model: Model,
    tip: Digest,
}

/// The tree.
pub struct Executions {
    config: Config,
    all: BTreeMap<Digest, Execution>,
    branches: Vec<Branch>,
    /// What was executed first at each position.
    first: Vec<Digest>,
}

/// How an execution relates to the others.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Novelty {
    /// Others executed it before.
    Known,
    /// Nobody had executed anything there.
    New,
    /// Somebody had executed something else there.
    Fork,
}

impl Executions {
    pub fn new(config: Config) -> Self {
        let model = Model::new(config.clone());
        let free = model.free();
        let root = Execution { position: 0, before: Digest::default(), branch: 0, request: None, free };
        Executions {
            config,
            all: BTreeMap::from([(Digest::default(), root)]),
            branches: vec![Branch { model, tip: Digest::default() }],
            first: vec![Digest::default()],
        }
    }

    /// The last position that anybody executed.
    pub fn tip(&self) -> Position {
        self.first.len() as Position - 1
    }

    pub fn get(&self, digest: Digest) -> Option<&Execution> {
        self.all.get(&digest)
    }

    /// The oracle of the branch that this history lies on. It may be ahead of it.
    pub fn model(&self, digest: Digest) -> Option<&Model> {
        self.all.get(&digest).map(|execution| &self.branches[execution.branch].model)
    }

    /// The oracle, if it stands exactly where this history ends.
    pub fn model_at(&self, digest: Digest) -> Option<&Model> {
        let branch = &self.branches[self.all.get(&digest)?.branch];
        (branch.tip == digest).then_some(&branch.model)
    }

    /// A server executed a request after `before`, and says that its digest is `digest`.
    pub fn execute(
        &mut self,
        before: Digest,
        position: Position,
        request: &Arc<Request>,
        digest: Digest,
    ) -> Result<Novelty, String> {
        if let Some(known) = self.all.get(&digest) {
            let same = (known.before, known.position) == (before, position);
            return if same { Ok(Novelty::Known) } else { Err("two histories have one digest".into()) };
        }
        let Some(parent) = self.all.get(&before) else {
            return Err(format!("position {position} follows a history that nobody executed"));
        };
        if parent.position + 1 != position {
            return Err(format!("position {position} follows {}", parent.position));
        }
        let branch = self.branch_at(before);
        let model = &mut self.branches[branch].model;
        let outcomes = model.execute(position, request)?;
        let free = model.free();
        let mut encoded = Vec::new();
        for outcome in &outcomes {
            encoded = postcard::to_extend(outcome, encoded).expect("an outcome is plain data");
        }
        let stamp = request.timestamp;
        let expected =
            before.extend(position, stamp.clock, stamp.server.0, &request.batch, xxh3_64(&encoded));
        if expected != digest {
            return Err(format!(
                "invariant 4: at {position} the oracle has digest {expected} with outcomes {outcomes:?}, the server {digest}"
            ));
        }
        self.branches[branch].tip = digest;
        let execution = Execution { position, before, branch, request: Some(request.clone()), free };
        self.all.insert(digest, execution);
        if position as usize == self.first.len() {
            self.first.push(digest);
            return Ok(Novelty::New);
        }
        Ok(Novelty::Fork)
    }

    /// The branch whose oracle stands at this history: an existing one, or a new one that is worked out anew.
    fn branch_at(&mut self, digest: Digest) -> usize {
        let branch = self.all[&digest].branch;
        if self.branches[branch].tip == digest {
            return branch;
        }
        let mut requests = Vec::new();
        let mut at = digest;
        while let Some(execution) = self.all.get(&at)
            && let Some(request) = &execution.request
        {
            requests.push((execution.position, request.clone()));
            at = execution.before;
        }
        let mut model = Model::new(self.config.clone());
        for (position, request) in requests.into_iter().rev() {
            model.execute(position, &request).expect("it was executed before");
        }
        self.branches.push(Branch { model, tip: digest });
        self.branches.len() - 1
    }
}
