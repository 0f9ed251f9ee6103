//! Reads primitive types.

/// Why bytes are not the message that was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct BadAnswer(pub(crate) String);

impl BadAnswer {
    pub(crate) fn new(what: &str) -> Self {
        Self(what.to_owned())
    }
}

/// What is left of a message that is being read.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    flexible: bool,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8], flexible: bool) -> Self {
        Self { rest: bytes, flexible }
    }

    pub(crate) fn bool(&mut self) -> Result<bool, BadAnswer> {
        Ok(self.i8()? != 0)
    }

    pub(crate) fn i8(&mut self) -> Result<i8, BadAnswer> {
        self.fixed().map(i8::from_be_bytes)
    }

    pub(crate) fn i16(&mut self) -> Result<i16, BadAnswer> {
        self.fixed().map(i16::from_be_bytes)
    }

    pub(crate) fn i32(&mut self) -> Result<i32, BadAnswer> {
        self.fixed().map(i32::from_be_bytes)
    }

    pub(crate) fn i64(&mut self) -> Result<i64, BadAnswer> {
        self.fixed().map(i64::from_be_bytes)
    }

    pub(crate) fn string(&mut self) -> Result<String, BadAnswer> {
        self.nullable_string()?.ok_or_else(|| BadAnswer::new("a text is null"))
    }

    pub(crate) fn nullable_string(&mut self) -> Result<Option<String>, BadAnswer> {
        let length = if self.flexible { self.length()? } else { sized(i64::from(self.i16()?))? };
        let Some(length) = length else { return Ok(None) };
        let text = std::str::from_utf8(self.take(length)?);
        text.map(|text| Some(text.to_owned())).map_err(|_| BadAnswer::new("a text is no UTF-8"))
    }

    /// Null is empty: nobody here tells the two apart.
    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], BadAnswer> {
        match self.count()? {
            Some(length) => self.take(length),
            None => Ok(&[]),
        }
    }

    /// A list; null is empty.
    pub(crate) fn array<T>(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Result<T, BadAnswer>,
    ) -> Result<Vec<T>, BadAnswer> {
        let count = self.count()?.unwrap_or(0);
        // Nothing is reserved: the count may be anything, and it ends where the bytes do.
        let mut items = Vec::new();
        for _ in 0..count {
            items.push(read(self)?);
        }
        Ok(items)
    }

    /// Skips what later versions have added; nothing in versions without tagged fields.
    pub(crate) fn tags(&mut self) -> Result<(), BadAnswer> {
        if !self.flexible {
            return Ok(());
        }
        for _ in 0..self.varint()? {
            self.varint()?;
            let size = self.varint()?;
            self.take(usize::try_from(size).unwrap_or(usize::MAX))?;
        }
        Ok(())
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    fn count(&mut self) -> Result<Option<usize>, BadAnswer> {
        if self.flexible { self.length() } else { sized(i64::from(self.i32()?)) }
    }

    fn length(&mut self) -> Result<Option<usize>, BadAnswer> {
        sized(i64::from(self.varint()?) - 1)
    }

    fn varint(&mut self) -> Result<u32, BadAnswer> {
        let mut value = 0_u64;
        for shift in [0, 7, 14, 21, 28] {
            let [byte] = self.fixed()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return u32::try_from(value).map_err(|_| BadAnswer::new("a length is too large"));
            }
        }
        Err(BadAnswer::new("a length does not end"))
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], BadAnswer> {
        let (first, rest) = self.rest.split_first_chunk::<N>().ok_or_else(ends)?;
        self.rest = rest;
        Ok(*first)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], BadAnswer> {
        let (first, rest) = self.rest.split_at_checked(length).ok_or_else(ends)?;
        self.rest = rest;
        Ok(first)
    }
}

fn ends() -> BadAnswer {
    BadAnswer::new("it ends too early")
}

/// A length as it is written: -1 is null.
fn sized(length: i64) -> Result<Option<usize>, BadAnswer> {
    match length {
        -1 => Ok(None),
        length => usize::try_from(length).map(Some).map_err(|_| BadAnswer::new("a length is negative")),
    }
}
