//! Cuts the objects out of a JSON list as it arrives. What is left, the list around them, is small, and read at the end.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Frame, from_json};
use crate::wire::Failure;

/// The name of the field whose elements are cut out.
const FIELD: &[u8] = b"\"items\"";
/// Nothing that the server keeps, and no frame of a list, is as large. What is larger is no list.
const LARGEST: usize = 16 << 20;

/// Where the text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Within {
    /// Around the elements.
    #[default]
    Frame,
    /// Between two of them.
    Items,
    /// In one of them.
    Element,
}

/// The elements of a list's field `items`, as they arrive.
#[derive(Debug, Default)]
pub(crate) struct Elements {
    within: Within,
    /// Braces and brackets that are open.
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// The last string of the frame at its first depth, and whether a colon came after it.
    last: Vec<u8>,
    named: bool,
    frame: Vec<u8>,
    element: Vec<u8>,
}

#[derive(Deserialize)]
struct Around {
    kind: String,
    #[serde(default)]
    metadata: Meta,
    /// Empty, since its elements were cut out; or none at all.
    items: Option<Vec<IgnoredAny>>,
}

#[derive(Deserialize, Default)]
struct Meta {
    #[serde(default, rename = "continue")]
    token: Option<String>,
}

impl Elements {
    /// Gives each element that has ended.
    pub(super) fn take(
        &mut self,
        piece: &[u8],
        keep: &mut impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut rest = piece;
        while let Some((&byte, after)) = rest.split_first() {
            if self.in_string && !self.escaped {
                let plain = rest.iter().position(|byte| matches!(byte, b'"' | b'\\')).unwrap_or(rest.len());
                if let Some((text, after)) = rest.split_at_checked(plain).filter(|(text, _)| !text.is_empty())
                {
                    self.text(text)?;
                    rest = after;
                    continue;
                }
            }
            self.byte(byte, keep)?;
            rest = after;
        }
        Ok(())
    }

    /// Text within a string.
    fn text(&mut self, text: &[u8]) -> Result<(), Failure> {
        if self.within == Within::Frame && self.depth == 1 && self.last.len() < FIELD.len() {
            self.last.extend_from_slice(text);
        }
        self.put(text)
    }

    fn put(&mut self, text: &[u8]) -> Result<(), Failure> {
        let to = if self.within == Within::Frame { &mut self.frame } else { &mut self.element };
        to.extend_from_slice(text);
        if to.len() > LARGEST {
            return Err(Failure::Malformed("it is larger than any object".to_owned()));
        }
        Ok(())
    }

    fn byte(&mut self, byte: u8, keep: &mut impl FnMut(&[u8]) -> Result<(), Failure>) -> Result<(), Failure> {
        match self.within {
            Within::Items => return self.between(byte),
            Within::Frame if self.depth == 1 && !self.in_string => self.name(byte),
            Within::Frame if self.depth == 1 && self.in_string => self.last.push(byte),
            Within::Frame | Within::Element => {}
        }
        self.put(&[byte])?;
        if self.in_string {
            self.in_string = self.escaped || byte != b'"';
            self.escaped = !self.escaped && byte == b'\\';
            return Ok(());
        }
        match byte {
            b'"' => self.in_string = true,
            b'{' => self.depth += 1,
            b'[' if self.within == Within::Frame && self.depth == 1 && self.named && self.last == FIELD => {
                (self.within, self.depth) = (Within::Items, 2);
            }
            b'[' => self.depth += 1,
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        if self.within == Within::Element && self.depth == 2 {
            self.within = Within::Items;
            keep(&self.element)?;
            self.element.clear();
        }
        Ok(())
    }

    /// Remembers the name of the field that begins.
    fn name(&mut self, byte: u8) {
        match byte {
            b'"' => {
                self.last.clear();
                self.last.push(byte);
                self.named = false;
            }
            b':' => self.named = true,
            b',' => self.named = false,
            _ => {}
        }
    }

    fn between(&mut self, byte: u8) -> Result<(), Failure> {
        match byte {
            b'{' => {
                (self.within, self.depth) = (Within::Element, 3);
                self.put(&[byte])
            }
            b']' => {
                (self.within, self.depth) = (Within::Frame, 1);
                self.last.clear();
                self.put(&[byte])
            }
            b',' | b' ' | b'\n' | b'\r' | b'\t' => Ok(()),
            _ => Err(Failure::Malformed("an item of the list is no object".to_owned())),
        }
    }

    pub(super) fn end(self) -> Result<Frame, Failure> {
        if self.within != Within::Frame {
            return Err(Failure::Malformed("the list ends early".to_owned()));
        }
        let Around { kind, metadata, items } = from_json(&self.frame)?;
        if items.is_some_and(|items| !items.is_empty()) {
            return Err(Failure::Malformed("its items could not be told apart".to_owned()));
        }
        Ok(Frame { kind, token: metadata.token.unwrap_or_default() })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn cut(text: &[u8], size: usize) -> Result<(Frame, Vec<Value>), Failure> {
        let (mut elements, mut all) = (Elements::default(), Vec::new());
        for piece in text.chunks(size) {
            elements.take(piece, &mut |element| {
                all.push(from_json(element)?);
                Ok(())
            })?;
        }
        Ok((elements.end()?, all))
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<String>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            any::<bool>().prop_map(Value::from),
            Just(json!("\"items\":[{")),
            Just(Value::Null)
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("items|[a-z\"{}\\[\\]]{0,4}", inner, 0..4)
                    .prop_map(Value::from_iter),
            ]
        })
    }

    proptest! {
        #[test]
        fn objects_come_out_as_they_are_however_the_text_is_cut(
            fields in prop::collection::vec(prop::collection::btree_map("items|[a-z\"\\\\]{1,4}", values(), 0..4), 0..6),
            more in values(),
            size in 1_usize..40,
            pretty in any::<bool>(),
        ) {
            let items: Vec<Value> = fields.into_iter().map(Value::from_iter).collect();
            let list = json!({"a": more, "kind": "PodList", "items": items, "metadata": {"continue": "t", "items": [1]}});
            let text = if pretty { serde_json::to_vec_pretty(&list) } else { serde_json::to_vec(&list) }.unwrap();
            let (frame, found) = cut(&text, size).unwrap();
            prop_assert_eq!(frame, Frame { kind: "PodList".to_owned(), token: "t".to_owned() });
            prop_assert_eq!(found, items);
        }

        #[test]
        fn what_is_cut_short_is_no_list(items in prop::collection::vec(prop::collection::btree_map("[a-z]", values(), 1..3), 1..4), percent in 0_usize..100) {
            let text = serde_json::to_vec(&json!({"kind": "PodList", "items": items})).unwrap();
            let short = &text[..text.len() * percent / 100];
            prop_assert!(cut(short, 7).is_err());
        }
    }

    #[test]
    fn a_list_may_have_no_items() {
        for text in [
            r#"{"kind":"PodList"}"#,
            r#"{"kind":"PodList","items":null}"#,
            r#"{"items" : [ ] ,"kind":"PodList"}"#,
        ] {
            assert_eq!(
                cut(text.as_bytes(), 3).unwrap(),
                (Frame { kind: "PodList".to_owned(), token: String::new() }, vec![])
            );
        }
    }

    #[test]
    fn items_that_are_no_objects_or_come_twice_are_no_list() {
        for text in [
            r#"{"kind":"PodList","items":[1]}"#,
            r#"{"kind":"PodList","items":[[{}]]}"#,
            r#"{"kind":"PodList","items":[{}],"items":[{}]}"#,
            r#"{"kind":"PodList","it\u0065ms":[{}]}"#,
            r#"[{"kind":"PodList","items":[{}]}]"#,
            "",
        ] {
            assert!(cut(text.as_bytes(), 5).is_err(), "{text}");
        }
    }
}
