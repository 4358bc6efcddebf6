//! JSON Schema as `docs/schemas` uses it: a dozen keywords of draft 2020-12, references between files included. Any
//! other keyword is an error of the schema, so that none is written in vain. It remembers which properties it met.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

/// What is said of a value.
const KEYWORDS: [&str; 12] = [
    "type",
    "enum",
    "const",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "minItems",
    "maxItems",
    "minimum",
    "maximum",
    "anyOf",
];
/// Where else to look, and what tells people.
const OTHERS: [&str; 5] = ["$ref", "$defs", "$schema", "title", "description"];

/// The properties that documents had, as `FILE#POINTER`.
pub type Seen = BTreeSet<String>;

/// All schemas, by file name.
pub struct Schemas(pub BTreeMap<String, Value>);

/// Where a schema stands.
#[derive(Clone)]
struct Pointer<'a> {
    file: &'a str,
    pointer: String,
}

impl Pointer<'_> {
    fn below(&self, step: &str) -> Self {
        Pointer { file: self.file, pointer: format!("{}/{step}", self.pointer) }
    }

    fn name(&self) -> String {
        format!("{}#{}", self.file, self.pointer)
    }
}

impl Schemas {
    pub fn read(folder: &Path) -> Schemas {
        // Those of files that people write stand in a folder of their own.
        let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
        let schema = |file: std::path::PathBuf| {
            let name = file.file_name().unwrap().to_str().unwrap().to_owned();
            let text = fs::read_to_string(&file).unwrap();
            (name, serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display())))
        };
        Schemas(files.map(schema).collect())
    }

    /// What is wrong with the value; empty: nothing.
    pub fn wrong(&self, file: &str, value: &Value, seen: &mut Seen) -> Vec<String> {
        let (file, schema) = self.0.get_key_value(file).unwrap_or_else(|| panic!("there is no schema {file}"));
        self.check(schema, &Pointer { file, pointer: String::new() }, value, "$", seen)
    }

    /// `FILE`, `#POINTER` or `FILE#POINTER`.
    fn referred<'a>(&'a self, reference: &'a str, from: &Pointer<'a>) -> (&'a Value, Pointer<'a>) {
        let (file, pointer) = reference.split_once('#').unwrap_or((reference, ""));
        let file = if file.is_empty() { from.file } else { file };
        let schema = self.0.get(file).and_then(|schema| schema.pointer(pointer));
        let schema = schema.unwrap_or_else(|| panic!("{} refers to {reference}, which is not there", from.name()));
        (schema, Pointer { file, pointer: pointer.to_owned() })
    }

    fn check(&self, schema: &Value, at: &Pointer<'_>, value: &Value, path: &str, seen: &mut Seen) -> Vec<String> {
        let schema = schema.as_object().unwrap();
        let mut wrong = Vec::new();
        if let Some(reference) = schema.get("$ref") {
            let (schema, at) = self.referred(reference.as_str().unwrap(), at);
            wrong.extend(self.check(schema, &at, value, path, seen));
        }
        if let Some(all) = schema.get("anyOf") {
            wrong.extend(self.any_of(all.as_array().unwrap(), at, value, path, seen));
        }
        wrong.extend(wrong_alone(schema, value).map(|why| format!("{path} {why} ({})", at.name())));
        if let Some(object) = value.as_object() {
            let none = Map::new();
            let known = schema.get("properties").map_or(&none, |known| known.as_object().unwrap());
            for (key, value) in object {
                match known.get(key) {
                    Some(schema) => {
                        let at = at.below("properties").below(key);
                        seen.insert(at.name());
                        wrong.extend(self.check(schema, &at, value, &format!("{path}.{key}"), seen));
                    }
                    None if schema.get("additionalProperties") == Some(&Value::Bool(false)) => {
                        wrong.push(format!("{path} has a key {key}, which the schema has not ({})", at.name()));
                    }
                    None => {}
                }
            }
        }
        if let (Some(items), Some(values)) = (schema.get("items"), value.as_array()) {
            let at = at.below("items");
            for (number, value) in values.iter().enumerate() {
                wrong.extend(self.check(items, &at, value, &format!("{path}[{number}]"), seen));
            }
        }
        wrong
    }

    fn any_of(&self, all: &[Value], at: &Pointer<'_>, value: &Value, path: &str, seen: &mut Seen) -> Vec<String> {
        let mut wrong = vec![format!("{path} is none of what is allowed ({})", at.name())];
        for (number, schema) in all.iter().enumerate() {
            let mut met = Seen::new();
            let at = at.below("anyOf").below(&number.to_string());
            let why = self.check(schema, &at, value, path, &mut met);
            if why.is_empty() {
                seen.append(&mut met);
                return why;
            }
            wrong.extend(why);
        }
        wrong
    }

    /// What is wrong with the schemas themselves: keywords that nothing checks, keys that are not explained.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for (file, schema) in &self.0 {
            let at = Pointer { file, pointer: String::new() };
            for keyword in ["$schema", "title", "description"] {
                if schema.get(keyword).is_none() {
                    faults.push(format!("{file} has no {keyword}"));
                }
            }
            self.visit(schema, &at, &mut |schema, at| faults.extend(faults_of(schema, at)));
        }
        faults
    }

    /// All properties, as [`Seen`] has them.
    pub fn properties(&self) -> Seen {
        let mut all = Seen::new();
        for (file, schema) in &self.0 {
            self.visit(schema, &Pointer { file, pointer: String::new() }, &mut |schema, at| {
                let known = schema.get("properties").and_then(Value::as_object);
                all.extend(known.into_iter().flatten().map(|(key, _)| at.below("properties").below(key).name()));
            });
        }
        all
    }

    fn visit(&self, schema: &Value, at: &Pointer<'_>, each: &mut dyn FnMut(&Map<String, Value>, &Pointer<'_>)) {
        let schema = schema.as_object().unwrap_or_else(|| panic!("{} is no object", at.name()));
        each(schema, at);
        if let Some(reference) = schema.get("$ref") {
            self.referred(reference.as_str().unwrap(), at);
        }
        for keyword in ["properties", "$defs"] {
            for (key, schema) in schema.get(keyword).and_then(Value::as_object).into_iter().flatten() {
                self.visit(schema, &at.below(keyword).below(key), each);
            }
        }
        for (number, schema) in schema.get("anyOf").and_then(Value::as_array).into_iter().flatten().enumerate() {
            self.visit(schema, &at.below("anyOf").below(&number.to_string()), each);
        }
        if let Some(items) = schema.get("items") {
            self.visit(items, &at.below("items"), each);
        }
    }
}

fn faults_of(schema: &Map<String, Value>, at: &Pointer<'_>) -> Vec<String> {
    let unknown = schema.keys().filter(|key| !KEYWORDS.contains(&key.as_str()) && !OTHERS.contains(&key.as_str()));
    let mut faults: Vec<String> = unknown.map(|key| format!("{} has {key}, which nothing checks", at.name())).collect();
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return faults };
    if schema.get("additionalProperties") != Some(&Value::Bool(false)) {
        faults.push(format!("{} lets any key pass", at.name()));
    }
    for (key, schema) in properties {
        if schema.get("description").is_none() {
            faults.push(format!("{} does not say what {key} is", at.name()));
        }
    }
    for key in schema.get("required").and_then(Value::as_array).into_iter().flatten() {
        if !properties.contains_key(key.as_str().unwrap()) {
            faults.push(format!("{} requires {key}, which it does not explain", at.name()));
        }
    }
    faults
}

/// What is wrong with a value, whatever is in it.
fn wrong_alone(schema: &Map<String, Value>, value: &Value) -> Option<String> {
    let types = schema.get("type").map(|types| types.as_array().cloned().unwrap_or_else(|| vec![types.clone()]));
    if let Some(types) = types.filter(|types| !types.iter().any(|name| is_a(value, name.as_str().unwrap()))) {
        return Some(format!("is {value}, and not of the type {types:?}"));
    }
    if let Some(allowed) = schema.get("enum").filter(|allowed| !allowed.as_array().unwrap().contains(value)) {
        return Some(format!("is {value}, and not one of {allowed}"));
    }
    if let Some(only) = schema.get("const").filter(|only| *only != value) {
        return Some(format!("is {value}, and not {only}"));
    }
    let bound = |keyword: &str| schema.get(keyword).map(|bound| bound.as_f64().unwrap());
    let between = |number: f64, least: &str, most: &str| {
        bound(least).is_none_or(|least| number >= least) && bound(most).is_none_or(|most| number <= most)
    };
    if value.as_f64().is_some_and(|number| !between(number, "minimum", "maximum")) {
        return Some(format!("is {value}, and out of range"));
    }
    if value.as_array().is_some_and(|items| !between(items.len() as f64, "minItems", "maxItems")) {
        return Some(format!("is {value}, and of another length"));
    }
    let object = value.as_object()?;
    let mut required = schema.get("required")?.as_array()?.iter().map(|key| key.as_str().unwrap());
    required.find(|key| !object.contains_key(*key)).map(|key| format!("has no key {key}"))
}

fn is_a(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => panic!("there is no type {name}"),
    }
}

#[test]
fn the_schemas_checker_finds_what_it_is_for() {
    let schema = json!({
        "$schema": "", "title": "", "description": "", "type": "object", "additionalProperties": false,
        "required": ["a"],
        "properties": {
            "a": { "description": "", "type": ["integer", "null"], "minimum": 0, "maximum": 9 },
            "b": { "description": "", "enum": ["x", "y"] },
            "c": { "description": "", "type": "array", "items": { "$ref": "#/$defs/d" }, "minItems": 1, "maxItems": 2 },
            "e": { "description": "", "anyOf": [{ "const": true }, { "type": "string" }] },
        },
        "$defs": { "d": { "type": "number" } },
    });
    let schemas = Schemas(BTreeMap::from([("s".to_owned(), schema)]));
    let wrong = |value: Value| schemas.wrong("s", &value, &mut Seen::new());
    for good in
        [json!({ "a": 0 }), json!({ "a": null, "b": "x", "c": [0.5, 2], "e": true }), json!({ "a": 9, "e": "t" })]
    {
        assert_eq!(wrong(good), Vec::<String>::new());
    }
    for bad in [
        json!([]),
        json!({}),
        json!({ "a": 1, "z": 1 }),
        json!({ "a": "1" }),
        json!({ "a": 0.5 }),
        json!({ "a": -1 }),
        json!({ "a": 10 }),
        json!({ "a": 1, "b": "z" }),
        json!({ "a": 1, "c": [] }),
        json!({ "a": 1, "c": [1, 2, 3] }),
        json!({ "a": 1, "c": ["1"] }),
        json!({ "a": 1, "e": false }),
    ] {
        assert!(!wrong(bad.clone()).is_empty(), "{bad}");
    }
    assert!(schemas.faults().is_empty());
    let open = json!({ "properties": { "a": {} }, "required": ["b"], "pattern": "x" });
    let faults = Schemas(BTreeMap::from([("s".to_owned(), open)])).faults().join("\n");
    for fault in ["no title", "has pattern", "lets any key pass", "does not say what a is", "requires \"b\""] {
        assert!(faults.contains(fault), "{fault}: {faults}");
    }
}
