//! Reading values back that are checked types elsewhere, and refusing what no record ever holds.

use serde::de::{Deserialize, Deserializer, Error};

use super::effect::rounded;
use super::notice::Told;
use super::proposal::rounded_change;
use super::proposals::Proposals;
use super::record::{SCHEMA_VERSION, is_trim};
use super::rotation::Rotation;
use crate::unit::{PercentChange, Ratio};

pub(super) fn version<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    let version = u32::deserialize(from)?;
    if version == SCHEMA_VERSION {
        Ok(version)
    } else {
        Err(Error::custom(format!("version {version}, not {SCHEMA_VERSION}")))
    }
}

/// Rounded as what is written: a number with more digits may come back from JSON as one of its neighbors.
pub(super) fn ratio<'de, D: Deserializer<'de>>(from: D) -> Result<Ratio, D::Error> {
    Ratio::new(f64::deserialize(from)?).map(rounded).map_err(Error::custom)
}

pub(super) fn maybe_ratio<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Ratio>, D::Error> {
    let number = Option::<f64>::deserialize(from)?;
    number.map(|number| Ratio::new(number).map(rounded)).transpose().map_err(Error::custom)
}

pub(super) fn rotations<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Rotation>, D::Error> {
    let rotations = Vec::<Rotation>::deserialize(from)?;
    rotations.iter().try_for_each(Rotation::fits).map_err(Error::custom)?;
    // What is longer than any that is written would be cut, and a cut record knows less reasons to hold.
    if is_trim(&rotations) {
        Ok(rotations)
    } else {
        Err(Error::custom("more rotations or pods than are ever kept"))
    }
}

pub(super) fn change<'de, D: Deserializer<'de>>(from: D) -> Result<PercentChange, D::Error> {
    PercentChange::deserialize(from).map(rounded_change)
}

pub(super) fn maybe_change<'de, D: Deserializer<'de>>(from: D) -> Result<Option<PercentChange>, D::Error> {
    Ok(Option::<PercentChange>::deserialize(from)?.map(rounded_change))
}

pub(super) fn proposals<'de, D: Deserializer<'de>>(from: D) -> Result<Proposals, D::Error> {
    let proposals = Proposals::deserialize(from)?;
    if proposals.fit() { Ok(proposals) } else { Err(Error::custom("more of proposals than is ever kept")) }
}

pub(super) fn told<'de, D: Deserializer<'de>>(from: D) -> Result<Told, D::Error> {
    let told = Told::deserialize(from)?;
    if told.fits() { Ok(told) } else { Err(Error::custom("more notices than are ever kept")) }
}
