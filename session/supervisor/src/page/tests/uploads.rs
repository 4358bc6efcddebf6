//! A page that wants a file, from the browser's word to the browser's order.

use super::*;
use crate::page::UploadTask;
use crate::uploads::{Found, FoundFile, Kinds};
use kiosk_core::api::{Nothing, OfferedFile};

const LATER: Duration = Duration::from_secs(110);

/// A page that is seen.
fn shown(directory: Option<&str>) -> Page {
    let browser = BrowserSettings { uploads: directory.map(Into::into), ..BrowserSettings::default() };
    let mut page = attached_under(Rules { browser, ..rules() });
    page.navigate("http://a/", NOW);
    commit(&mut page, "L1", "http://a/");
    lifecycle(&mut page, "L1", "firstPaint");
    page.take_outgoing();
    page.take_events();
    page
}

fn ask(page: &mut Page, mode: &str) {
    event(page, "Page.fileChooserOpened", json!({ "frameId": FRAME, "mode": mode, "backendNodeId": 5 }));
}

/// Answers the question about the input; gives what is to be looked for.
fn describe(page: &mut Page, attributes: &[&str]) -> Option<(u64, Kinds)> {
    let sent = page.take_outgoing();
    assert_eq!((sent.len(), &sent[0]["method"]), (1, &json!("DOM.describeNode")), "{sent:?}");
    answer(page, &sent[0], &json!({ "node": { "attributes": attributes } }));
    match page.take_upload_task()? {
        UploadTask::Find { number, kinds } => Some((number, kinds)),
        other => panic!("{other:?}"),
    }
}

fn two() -> Found {
    let file = |name: &str| FoundFile { path: name.into(), offered: OfferedFile { name: name.into(), size: 1 } };
    Found { files: vec![file("a.jpg"), file("b.jpg")], unlisted: 3, nothing: Nothing::Empty }
}

fn open(mode: &str) -> (Page, u64) {
    let mut page = shown(Some("/media"));
    ask(&mut page, mode);
    let (number, kinds) = describe(&mut page, &["type", "file", "accept", ".jpg"]).unwrap();
    assert_eq!(kinds, Kinds::of(".jpg"));
    page.files_found(number, two(), NOW);
    let chooser = page.chooser().unwrap();
    assert_eq!((chooser.number, chooser.files.len(), chooser.unlisted), (number, 2, 3));
    (page, number)
}

/// The input is told that there is no file.
fn is_cancelled(page: &mut Page) {
    assert_eq!(page.chooser(), None);
    let sent = page.take_outgoing();
    let resolve = sent.iter().find(|order| order["method"] == "DOM.resolveNode").unwrap_or_else(|| panic!("{sent:?}"));
    assert_eq!(resolve["params"]["backendNodeId"], 5);
    answer(page, resolve, &json!({ "object": { "objectId": "O" } }));
    let sent = page.take_outgoing();
    let call = sent.iter().find(|order| order["method"] == "Runtime.callFunctionOn").unwrap();
    assert!(call["params"]["functionDeclaration"].as_str().unwrap().contains("'cancel'"));
}

#[test]
fn what_was_chosen_reaches_the_input_that_asked() {
    let (mut page, number) = open("selectSingle");
    page.chosen(number, &[1, 0], NOW);
    assert_eq!(page.chooser(), None, "off the screen at once");
    let task = UploadTask::LookAgain { number, files: vec!["b.jpg".into()] };
    assert_eq!(page.take_upload_task(), Some(task), "one, for the input takes no more");
    page.files_seen(number, Some(vec!["/media/b.jpg".into()]), NOW);
    let sent = page.take_outgoing();
    assert_eq!((sent.len(), &sent[0]["method"]), (1, &json!("DOM.setFileInputFiles")));
    assert_eq!(sent[0]["params"], json!({ "files": ["/media/b.jpg"], "backendNodeId": 5 }));
    assert_eq!(sent[0]["sessionId"], "S1");
    page.chosen(number, &[0], NOW);
    page.files_seen(number, Some(vec!["/media/a.jpg".into()]), NOW);
    assert_eq!(page.take_outgoing(), [Value::Null; 0], "once");
}

#[test]
fn several_may_be_chosen_where_the_input_takes_them() {
    let (mut page, number) = open("selectMultiple");
    assert!(page.chooser().unwrap().multiple);
    page.chosen(number, &[1, 7, 0], NOW);
    let files = vec!["b.jpg".into(), "a.jpg".into()];
    assert_eq!(page.take_upload_task(), Some(UploadTask::LookAgain { number, files }));
    page.files_seen(number, None, NOW);
    is_cancelled(&mut page);
}

#[test]
fn a_list_that_is_cancelled_or_left_lets_the_page_go_on() {
    let (mut page, number) = open("selectSingle");
    page.chosen(number + 1, &[], NOW);
    assert!(page.chooser().is_some(), "an answer to another one");
    page.chosen(number, &[], NOW);
    is_cancelled(&mut page);
    let (mut page, _) = open("selectSingle");
    let deadline = page.deadline().unwrap();
    page.tick(deadline - Duration::from_millis(1));
    assert!(page.chooser().is_some());
    page.tick(deadline);
    is_cancelled(&mut page);
    assert_eq!(page.deadline(), None);
}

#[test]
fn an_unanswered_file_request_closes_the_chooser() {
    let mut page = shown(Some("/media"));
    ask(&mut page, "selectSingle");
    let deadline = page.deadline().unwrap();
    page.tick(deadline);
    is_cancelled(&mut page);
    let mut page = shown(Some("/media"));
    ask(&mut page, "selectSingle");
    let (number, _) = describe(&mut page, &[]).unwrap();
    page.tick(deadline);
    is_cancelled(&mut page);
    page.files_found(number, two(), deadline);
    assert_eq!(page.chooser(), None, "too late");
}

#[test]
fn the_chooser_closes_with_the_document_that_requested_it() {
    let frame = |frame: &str, parent: Option<&str>| json!({ "frame": { "id": frame, "parentId": parent, "url": "http://a/2" } });
    for (method, parameters, gone) in [
        ("Page.frameNavigated", frame(FRAME, None), true),
        ("Page.frameNavigated", frame("F9", Some(FRAME)), false),
        ("Page.frameDetached", json!({ "frameId": "F9" }), false),
        ("Page.frameDetached", json!({ "frameId": FRAME }), true),
        ("Inspector.targetCrashed", json!({}), true),
        ("Target.detachedFromTarget", json!({ "sessionId": "S1" }), true),
    ] {
        let (mut page, _) = open("selectSingle");
        event(&mut page, method, parameters);
        assert_eq!(page.chooser().is_none(), gone, "{method}");
    }
    for order in [
        |page: &mut Page| page.navigate("http://a/", NOW),
        |page: &mut Page| page.reload(true, NOW),
        |page: &mut Page| page.clear_data(NOW),
    ] {
        let (mut page, _) = open("selectSingle");
        order(&mut page);
        is_cancelled(&mut page);
    }
}

#[test]
fn a_page_that_asks_again_and_again_is_not_answered() {
    let (mut page, number) = open("selectSingle");
    ask(&mut page, "selectSingle");
    assert_eq!(page.chooser().unwrap().number, number, "one at a time");
    page.take_outgoing();
    page.chosen(number, &[], NOW);
    is_cancelled(&mut page);
    for _ in 0..100 {
        ask(&mut page, "selectSingle");
    }
    assert_eq!(page.take_outgoing(), [Value::Null; 0], "no word that it could answer with the next");
    let message = json!({ "frameId": FRAME, "mode": "selectSingle", "backendNodeId": 5 });
    page.take(&json!({ "method": "Page.fileChooserOpened", "params": message, "sessionId": "S1" }), LATER);
    assert!(describe(&mut page, &[]).is_some(), "a person who has seen the page");
}

#[test]
fn folders_and_other_pickers_get_nothing() {
    let mut page = shown(Some("/media"));
    ask(&mut page, "selectSingle");
    assert_eq!(describe(&mut page, &["webkitdirectory", "", "type", "file"]), None);
    is_cancelled(&mut page);
    let mut page = shown(Some("/media"));
    event(&mut page, "Page.fileChooserOpened", json!({ "frameId": FRAME, "mode": "selectSingle" }));
    assert_eq!(page.take_outgoing(), [Value::Null; 0]);
}

#[test]
fn without_a_shown_page_or_a_directory_a_chooser_is_cancelled() {
    let mut page = shown(Some("/media"));
    page.navigate("http://a/2", NOW);
    page.take_outgoing();
    ask(&mut page, "selectSingle");
    is_cancelled(&mut page);
    let mut page = shown(None);
    ask(&mut page, "selectSingle");
    assert_eq!((page.take_outgoing(), page.take_upload_task()), (vec![], None));
}

#[test]
fn the_browsers_own_chooser_is_shut_in_every_window_and_frame() {
    for directory in [None, Some("/media")] {
        let browser = BrowserSettings { uploads: directory.map(Into::into), ..BrowserSettings::default() };
        let mut page = Page::new(Rules { browser, ..rules() });
        page.take_outgoing();
        for kind in ["page", "page", "iframe"] {
            let info = json!({ "targetId": "T", "type": kind });
            let parameters = json!({ "sessionId": "S", "targetInfo": info, "waitingForDebugger": true });
            page.take(&json!({ "method": "Target.attachedToTarget", "params": parameters }), NOW);
            let sent = page.take_outgoing();
            let place = |method: &str| sent.iter().position(|order| order["method"] == method);
            let shut = place("Page.setInterceptFileChooserDialog").unwrap();
            assert_eq!(sent[shut]["params"], json!({ "enabled": true, "cancel": directory.is_none() }));
            assert!(place("Page.enable").is_some_and(|enabled| enabled < shut), "without it it would stay open");
            assert!(place("Runtime.runIfWaitingForDebugger").is_some_and(|run| run > shut));
        }
    }
}

#[test]
fn choosers_of_another_browser_have_other_numbers() {
    let number = |browser| {
        let mut page = shown(Some("/media"));
        page.number_choosers_from(browser);
        ask(&mut page, "selectSingle");
        describe(&mut page, &["type", "file"]).unwrap().0
    };
    assert!(number(2) > number(1) && number(1) > 0);
}
