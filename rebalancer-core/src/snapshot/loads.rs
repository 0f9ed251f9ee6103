//! What one pod carries, by indicator.

use std::fmt;

use crate::fleet::Indicator;
use crate::unit::Load;

/// Loads of one pod by indicator. Half the size of as many options: every pod has them, and a decision copies them.
#[derive(Clone, Copy)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(from = "Told", into = "Told")
)]
pub struct Loads {
    /// In the order of [`Indicator::ALL`]; NaN is missing.
    values: [f64; Indicator::ALL.len()],
}

impl Loads {
    /// The load by one indicator.
    #[must_use]
    pub fn get(&self, indicator: Indicator) -> Option<Load> {
        self.values.get(indicator as usize).and_then(|value| Load::unless_nan(*value))
    }

    pub(super) fn set(&mut self, indicator: Indicator, load: Load) {
        if let Some(value) = self.values.get_mut(indicator as usize) {
            *value = load.get();
        }
    }
}

impl Default for Loads {
    fn default() -> Self {
        Self { values: [f64::NAN; Indicator::ALL.len()] }
    }
}

impl PartialEq for Loads {
    fn eq(&self, other: &Self) -> bool {
        Told::from(*self) == Told::from(*other)
    }
}

impl fmt::Debug for Loads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", Told::from(*self))
    }
}

// As they are written and shown; the schema has this sentence.
/// Loads of one pod by indicator.
#[derive(Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Loads"))]
struct Told {
    cpu: Option<Load>,
    memory: Option<Load>,
    lag: Option<Load>,
    consumption_rate: Option<Load>,
    production_rate: Option<Load>,
}

impl From<Loads> for Told {
    fn from(loads: Loads) -> Self {
        Self {
            cpu: loads.get(Indicator::Cpu),
            memory: loads.get(Indicator::Memory),
            lag: loads.get(Indicator::Lag),
            consumption_rate: loads.get(Indicator::ConsumptionRate),
            production_rate: loads.get(Indicator::ProductionRate),
        }
    }
}

impl From<Told> for Loads {
    fn from(told: Told) -> Self {
        let Told { cpu, memory, lag, consumption_rate, production_rate } = told;
        let mut loads = Self::default();
        let all = [cpu, memory, lag, consumption_rate, production_rate];
        for (indicator, load) in Indicator::ALL.into_iter().zip(all) {
            load.into_iter().for_each(|load| loads.set(indicator, load));
        }
        loads
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Loads {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        Told::schema_name()
    }

    fn schema_id() -> std::borrow::Cow<'static, str> {
        Told::schema_id()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Told::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_set_is_missing_and_zero_is_a_load() {
        let mut loads = Loads::default();
        loads.set(Indicator::Lag, Load::new(0.0).unwrap());
        let known = Indicator::ALL.map(|indicator| loads.get(indicator).map(Load::get));
        assert_eq!(known, [None, None, Some(0.0), None, None]);
        assert_eq!((loads, Loads::default()), (loads, Loads::default()));
    }
}
