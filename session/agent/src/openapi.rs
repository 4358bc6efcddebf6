//! The OpenAPI document: what is written by hand (`openapi.json`), with kioskctl's schemas (`docs/schemas`), so that each is in
//! one place only.

use serde_json::{Map, Value, json};

use super::routes::ROUTES;

const DOCUMENT: &str = include_str!("openapi.json");

/// kioskctl's schemas, by the name that the document has for them.
const SCHEMAS: [(&str, &str); 9] = [
    ("status", include_str!("../../../docs/schemas/status.json")),
    ("outputs", include_str!("../../../docs/schemas/outputs.json")),
    ("inputs", include_str!("../../../docs/schemas/inputs.json")),
    ("touch-map", include_str!("../../../docs/schemas/touch-map.json")),
    ("change", include_str!("../../../docs/schemas/change.json")),
    ("told", include_str!("../../../docs/schemas/told.json")),
    ("message", include_str!("../../../docs/schemas/message.json")),
    ("pairing", include_str!("../../../docs/schemas/pairing.json")),
    ("done", include_str!("../../../docs/schemas/done.json")),
];

/// The whole of it.
pub fn document() -> Value {
    let mut document: Value = serde_json::from_str(DOCUMENT).unwrap_or_default();
    let schemas = SCHEMAS.into_iter().map(|(name, text)| {
        let mut schema: Value = serde_json::from_str(text).unwrap_or_default();
        if let Some(map) = schema.as_object_mut() {
            map.remove("$schema");
        }
        lead_home(&mut schema, name);
        (name.to_owned(), schema)
    });
    let schemas: Map<String, Value> = schemas.collect();
    for route in ROUTES {
        let place = document.get_mut("paths").and_then(|paths| paths.get_mut(route.path));
        let operation = place.and_then(|item| item.get_mut(route.method.to_ascii_lowercase()));
        if let Some(operation) = operation.and_then(Value::as_object_mut) {
            operation.insert("x-kiosk-role".into(), route.role.as_str().into());
        }
    }
    if let Some(map) = document.as_object_mut() {
        map.insert("info".into(), info());
        let components = map.entry("components").or_insert_with(|| json!({}));
        if let Some(there) = components.get_mut("schemas").and_then(Value::as_object_mut) {
            there.extend(schemas);
        }
    }
    document
}

fn info() -> Value {
    json!({
        "title": "kiosk-agent",
        "description": "kioskctl's verbs over HTTP, on this machine, and on the network for callers with a certificate. x-kiosk-role: the least role that one from the network must have",
        "version": env!("CARGO_PKG_VERSION"),
        "license": { "name": "MIT", "identifier": "MIT" },
    })
}

/// Turns references within a schema's file, and to its neighbours, into ones within the document.
fn lead_home(value: &mut Value, file: &str) {
    match value {
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                match value {
                    Value::String(text) if key == "$ref" => {
                        *text = match text.strip_prefix('#') {
                            Some(within) => format!("#/components/schemas/{file}{within}"),
                            None => format!("#/components/schemas/{}", text.trim_end_matches(".json")),
                        };
                    }
                    other => lead_home(other, file),
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|value| lead_home(value, file)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_document_has_the_routes_that_are_served() {
        let document = document();
        let paths = document["paths"].as_object().unwrap();
        let told: BTreeSet<(String, String)> = paths
            .iter()
            .flat_map(|(path, item)| {
                let methods = item.as_object().unwrap().keys().filter(|key| *key != "parameters");
                methods.map(|method| (path.clone(), method.to_uppercase()))
            })
            .collect();
        let served: BTreeSet<(String, String)> =
            ROUTES.iter().map(|route| (route.path.to_owned(), route.method.to_owned())).collect();
        assert_eq!(told, served);
    }

    #[test]
    fn every_reference_in_the_openapi_document_resolves() {
        fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
            match value {
                Value::Object(map) => {
                    for (key, value) in map {
                        match value.as_str() {
                            Some(text) if key == "$ref" => found.push(text),
                            _ => references(value, found),
                        }
                    }
                }
                Value::Array(list) => list.iter().for_each(|value| references(value, found)),
                _ => {}
            }
        }
        let document = document();
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > 30, "{found:?}");
        for reference in found {
            let pointer =
                reference.strip_prefix('#').unwrap_or_else(|| panic!("{reference} leads out of the document"));
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }
}
