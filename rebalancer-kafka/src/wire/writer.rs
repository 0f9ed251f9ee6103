//! Writes primitive types.

/// A message that is being written.
#[derive(Debug)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
    flexible: bool,
}

impl Writer {
    pub(crate) fn new(flexible: bool) -> Self {
        Self { bytes: Vec::new(), flexible }
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    pub(crate) fn bool(&mut self, value: bool) -> &mut Self {
        self.raw(&[u8::from(value)])
    }

    pub(crate) fn i8(&mut self, value: i8) -> &mut Self {
        self.raw(&value.to_be_bytes())
    }

    pub(crate) fn i16(&mut self, value: i16) -> &mut Self {
        self.raw(&value.to_be_bytes())
    }

    pub(crate) fn i32(&mut self, value: i32) -> &mut Self {
        self.raw(&value.to_be_bytes())
    }

    pub(crate) fn i64(&mut self, value: i64) -> &mut Self {
        self.raw(&value.to_be_bytes())
    }

    pub(crate) fn string(&mut self, text: &str) -> &mut Self {
        if self.flexible {
            self.length(text.len());
        } else {
            self.i16(i16::try_from(text.len()).unwrap_or(i16::MAX));
        }
        self.raw(text.as_bytes())
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.count(bytes.len()).raw(bytes)
    }

    pub(crate) fn array<T>(
        &mut self,
        items: impl ExactSizeIterator<Item = T>,
        mut write: impl FnMut(&mut Self, T),
    ) -> &mut Self {
        self.count(items.len());
        for item in items {
            write(self, item);
        }
        self
    }

    /// No tagged fields; nothing in versions that have none.
    pub(crate) fn tags(&mut self) -> &mut Self {
        if self.flexible { self.raw(&[0]) } else { self }
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.bytes
    }

    fn count(&mut self, count: usize) -> &mut Self {
        if self.flexible { self.length(count) } else { self.i32(i32::try_from(count).unwrap_or(i32::MAX)) }
    }

    /// One more than the length, in groups of seven bits: 0 would be null.
    fn length(&mut self, length: usize) -> &mut Self {
        let mut rest = u32::try_from(length).unwrap_or(u32::MAX - 1) + 1;
        loop {
            let [low, ..] = (rest & 0x7f).to_le_bytes();
            rest >>= 7;
            if rest == 0 {
                return self.raw(&[low]);
            }
            self.raw(&[low | 0x80]);
        }
    }
}
