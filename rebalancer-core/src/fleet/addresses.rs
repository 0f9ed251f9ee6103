//! Addresses of a pod: mostly one.

use std::fmt;
use std::net::IpAddr;
use std::ops::Deref;
use std::slice;

/// Addresses, as a slice of them. One takes no memory of its own.
#[derive(Clone, Default)]
pub struct Addresses(Few);

#[derive(Clone, Default)]
enum Few {
    #[default]
    None,
    One(IpAddr),
    Several(Box<[IpAddr]>),
}

impl Addresses {
    /// Adds one.
    pub fn push(&mut self, address: IpAddr) {
        *self = self.iter().copied().chain([address]).collect();
    }
}

impl Deref for Addresses {
    type Target = [IpAddr];

    fn deref(&self) -> &[IpAddr] {
        match &self.0 {
            Few::None => &[],
            Few::One(address) => slice::from_ref(address),
            Few::Several(addresses) => addresses,
        }
    }
}

impl FromIterator<IpAddr> for Addresses {
    fn from_iter<I: IntoIterator<Item = IpAddr>>(addresses: I) -> Self {
        let mut addresses = addresses.into_iter().fuse();
        Self(match (addresses.next(), addresses.next()) {
            (None, _) => Few::None,
            (Some(only), None) => Few::One(only),
            (Some(first), Some(second)) => {
                Few::Several([first, second].into_iter().chain(addresses).collect())
            }
        })
    }
}

impl From<Vec<IpAddr>> for Addresses {
    fn from(addresses: Vec<IpAddr>) -> Self {
        addresses.into_iter().collect()
    }
}

impl<'a> IntoIterator for &'a Addresses {
    type Item = &'a IpAddr;
    type IntoIter = slice::Iter<'a, IpAddr>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl PartialEq for Addresses {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl fmt::Debug for Addresses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Addresses {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(to)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Addresses {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Vec::deserialize(from).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_were_given_are_there_in_their_order() {
        let all: Vec<IpAddr> = ["10.1.2.3", "fd00::3", "10.1.2.1"].map(|text| text.parse().unwrap()).into();
        for few in (0..=all.len()).map(|count| &all[..count]) {
            let mut pushed = Addresses::default();
            few.iter().for_each(|address| pushed.push(*address));
            assert_eq!((&*pushed, &pushed), (few, &Addresses::from(few.to_vec())));
        }
        assert!(size_of::<Addresses>() <= 24);
    }
}
