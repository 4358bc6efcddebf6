//! Carries out orders one after the other, as the HTTP interface does, and hands back what there is to say.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::StatusCode;
use hyper::body::Body;
use hyper::header::CONTENT_TYPE;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::commands::{Order, Reply};
use crate::answer::{Answer, Problem};
use crate::request::Given;
use crate::role::Role;
use crate::{routes, verbs};

/// Orders that wait.
const MAX_WAITING: usize = 16;
/// Largest picture that is sent, bytes.
const MAX_PICTURE: usize = 16 << 20;

/// An order that was carried out or refused.
#[derive(Debug)]
pub struct Done {
    /// Who is told.
    pub reply: Reply,
    /// As over HTTP.
    pub status: u16,
    /// The answer, or the problem.
    pub body: Value,
    /// PNG.
    pub picture: Option<Vec<u8>>,
}

/// `role`: of everybody who gives orders; `certificates`: the folder of the device's. A place to put orders, and one to fetch answers from.
pub fn start(
    tasks: &mut JoinSet<()>,
    role: Role,
    certificates: Arc<Path>,
) -> (mpsc::Sender<Order>, mpsc::Receiver<Done>) {
    let (sender, mut orders) = mpsc::channel::<Order>(MAX_WAITING);
    let (answers, receiver) = mpsc::channel(1);
    tasks.spawn(async move {
        while let Some(order) = orders.recv().await {
            let done = carry(order, role, &certificates).await;
            if answers.send(done).await.is_err() {
                return;
            }
        }
    });
    (sender, receiver)
}

async fn carry(order: Order, role: Role, certificates: &Path) -> Done {
    tracing::debug!(method = %order.method, path = %order.path, "MQTT command");
    let answer = asked(&order, role, certificates).await.unwrap_or_else(Problem::answer);
    let (parts, body) = answer.into_parts();
    // Before it is read.
    let count = body.size_hint().lower();
    let fits = count <= MAX_PICTURE as u64;
    // There is nothing that could fail: it is in memory.
    let bytes =
        if fits { body.collect().await.map(|whole| whole.to_bytes()).unwrap_or_default() } else { Bytes::new() };
    let mut done = Done { reply: order.reply, status: parts.status.as_u16(), body: Value::Null, picture: None };
    if order.picture && parts.status == StatusCode::OK {
        if !fits {
            done.status = 500;
            done.body =
                json!({ "detail": format!("the picture has {count} bytes, and at most {MAX_PICTURE} are sent") });
        } else {
            done.body = json!({ "content-type": "image/png", "bytes": count });
            done.picture = Some(bytes.into());
        }
        return done;
    }
    let kind = parts.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    done.body = match kind.ends_with("json") {
        true => serde_json::from_slice(&bytes).unwrap_or_default(),
        false => String::from_utf8_lossy(&bytes).into_owned().into(),
    };
    done
}

async fn asked(order: &Order, role: Role, certificates: &Path) -> Result<Answer, Problem> {
    let (path, query) =
        order.path.split_once('?').map_or((order.path.as_str(), None), |(path, query)| (path, Some(query)));
    let (route, name) = routes::find(&order.method, path)?;
    if route.role > role {
        let detail = format!("this needs the role {}, and agent.mqtt.role is {role}", route.role);
        return Err(Problem::new(StatusCode::FORBIDDEN, detail));
    }
    let body = if order.body.is_null() { String::new() } else { order.body.to_string() };
    verbs::carry(route.verb, &Given::new(name, query, body.into())?, certificates).await
}
