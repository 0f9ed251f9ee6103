//! Another value somewhere in a JSON document.

use serde_json::{Map, Value, json};

use super::dice::Dice;

/// Texts that mean something somewhere, or nearly do.
const TEXTS: &[&str] = &[
    "",
    "0",
    "-1",
    "-0.5",
    "1e308",
    "1e-308",
    "NaN",
    "+Inf",
    "é",
    "a\nb",
    "True",
    "Unknown",
    "1e3",
    "100m",
    "1Gi",
    "18446744073709551615",
    "2026-01-01T00:00:00Z",
    "2025-12-31T23:59:00Z",
    "9999-12-30T22:00:00Z",
    "-009999-01-02T01:59:59Z",
];

/// A changed document; `None` when it is no JSON.
pub fn mutated(document: &[u8], dice: &mut Dice) -> Option<Vec<u8>> {
    let mut value: Value = serde_json::from_slice(document).ok()?;
    let nodes = count(&value);
    let other = at(&mut value, &mut dice.roll(nodes)).cloned();
    let chosen = at(&mut value, &mut dice.roll(nodes))?;
    match dice.roll(8) {
        0 => *chosen = other?,
        1 => *chosen = unlike(dice),
        2 => shrunk(chosen, dice),
        3 => grown(chosen, other?, dice),
        _ => near(chosen, dice),
    }
    serde_json::to_vec(&value).ok()
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(fields) => fields.values().map(count).sum(),
        _ => 0,
    }
}

/// The value at this place, counted from the outside in.
fn at<'a>(value: &'a mut Value, place: &mut usize) -> Option<&'a mut Value> {
    if *place == 0 {
        return Some(value);
    }
    *place -= 1;
    match value {
        Value::Array(items) => items.iter_mut().find_map(|item| at(item, place)),
        Value::Object(fields) => fields.values_mut().find_map(|field| at(field, place)),
        _ => None,
    }
}

/// A value of any kind.
fn unlike(dice: &mut Dice) -> Value {
    match dice.roll(6) {
        0 => Value::Null,
        1 => json!(dice.roll(2) == 0),
        2 => json!([]),
        3 => json!({}),
        4 => json!(dice.one_of(&[0, -1, 1, i64::MAX, i64::MIN])),
        _ => json!(dice.one_of(TEXTS)),
    }
}

/// Without one of its parts.
fn shrunk(value: &mut Value, dice: &mut Dice) {
    match value {
        Value::Array(items) if !items.is_empty() => drop(items.remove(dice.roll(items.len()))),
        Value::Object(fields) => drop(key(fields, dice).and_then(|key| fields.remove(&key))),
        _ => near(value, dice),
    }
}

/// With one more part, or another one.
fn grown(value: &mut Value, part: Value, dice: &mut Dice) {
    match value {
        Value::Array(items) => {
            let again = items.get(dice.roll(items.len())).cloned();
            items.push(again.unwrap_or(part));
        }
        Value::Object(fields) => drop(key(fields, dice).and_then(|key| fields.insert(key, part))),
        _ => near(value, dice),
    }
}

fn key(fields: &Map<String, Value>, dice: &mut Dice) -> Option<String> {
    fields.keys().nth(dice.roll(fields.len())).cloned()
}

/// A value of the same kind.
fn near(value: &mut Value, dice: &mut Dice) {
    match value {
        Value::Bool(flag) => *flag = !*flag,
        Value::Number(_) => *value = number(value, dice),
        Value::String(text) => *text = words(text, dice),
        Value::Null | Value::Array(_) | Value::Object(_) => *value = unlike(dice),
    }
}

fn number(value: &Value, dice: &mut Dice) -> Value {
    let number = value.as_f64().unwrap_or_default();
    match dice.roll(5) {
        0 => json!(-number),
        1 => json!(number * 10.0),
        2 => json!(value.as_i64().unwrap_or_default().wrapping_add(1)),
        3 => json!(u64::MAX),
        _ => json!(0),
    }
}

fn words(text: &str, dice: &mut Dice) -> String {
    match dice.roll(6) {
        0 => format!("-{text}"),
        1 => format!("{text}{}", dice.one_of(TEXTS)),
        2 => text.chars().skip(1).collect(),
        3 => text.chars().take(dice.roll(text.len())).collect(),
        _ => (*dice.one_of(TEXTS)).to_owned(),
    }
}
