//! Objects of one kind, by name, as a watch tells of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use rebalancer_core::port::InventoryError;

use super::heard::Heard;

type Told<T> = Box<dyn Fn(Option<&T>, Option<&T>) + Send + Sync>;

/// What is known. The objects of a list count when all of it is there; until then those of before do.
pub(super) struct Kept<T> {
    known: Mutex<Known<T>>,
    heard: Arc<Heard>,
    told: OnceLock<Told<T>>,
}

struct Known<T> {
    objects: Option<BTreeMap<String, T>>,
    coming: BTreeMap<String, T>,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        let known = Known { objects: None, coming: BTreeMap::new() };
        Self { known: Mutex::new(known), heard: Arc::default(), told: OnceLock::new() }
    }
}

impl<T> Kept<T> {
    /// Tells this of each change, as what was there and what is there now. The first one stays.
    pub(super) fn tell(&self, told: impl Fn(Option<&T>, Option<&T>) + Send + Sync + 'static) {
        self.told.get_or_init(|| Box::new(told));
    }

    pub(super) fn heard(&self) -> Arc<Heard> {
        Arc::clone(&self.heard)
    }

    pub(super) fn is_listed(&self) -> bool {
        self.known().objects.is_some()
    }

    /// Every object, converted; an object that can't be used fails the whole, as it would fail a list.
    pub(super) fn all<V>(
        &self,
        convert: impl Fn(&T) -> Result<V, InventoryError>,
    ) -> Result<Vec<V>, InventoryError> {
        let known = self.known();
        let Some(objects) = &known.objects else {
            let why = self.heard.error().map(|error| format!(": {error}")).unwrap_or_default();
            return Err(InventoryError::Unavailable {
                message: format!("the first list of a watch is not there yet{why}"),
            });
        };
        objects.values().map(convert).collect()
    }

    /// Nothing is known any more.
    pub(super) fn forget(&self) {
        *self.known() = Known { objects: None, coming: BTreeMap::new() };
        self.heard.forget();
    }

    /// A list begins.
    pub(super) fn begin(&self) {
        self.heard.lists();
        self.known().coming.clear();
    }

    /// An object of the list that has begun.
    pub(super) fn list(&self, name: String, object: T) {
        self.known().coming.insert(name, object);
    }

    /// The list is there. Returns how many objects it has.
    pub(super) fn listed(&self) -> usize {
        let mut known = self.known();
        let objects = std::mem::take(&mut known.coming);
        self.heard.listed();
        let before = known.objects.replace(objects).unwrap_or_default();
        let after = known.objects.iter().flatten();
        if let Some(told) = self.told.get() {
            let of = |name: &String| known.objects.as_ref().and_then(|objects| objects.get(name));
            after.for_each(|(name, object)| told(before.get(name), Some(object)));
            before.iter().filter(|(name, _)| of(name).is_none()).for_each(|(_, gone)| told(Some(gone), None));
        }
        known.objects.as_ref().map_or(0, BTreeMap::len)
    }

    /// An object came, or changed.
    pub(super) fn put(&self, name: String, object: T) {
        let mut known = self.known();
        let objects = known.objects.get_or_insert_default();
        if let Some(told) = self.told.get() {
            told(objects.get(&name), Some(&object));
        }
        objects.insert(name, object);
    }

    /// An object is gone.
    pub(super) fn remove(&self, name: &str) {
        let gone = self.known().objects.as_mut().and_then(|objects| objects.remove(name));
        if let (Some(told), Some(gone)) = (self.told.get(), gone) {
            told(Some(&gone), None);
        }
    }

    fn known(&self) -> MutexGuard<'_, Known<T>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(kept: &Kept<u32>) -> Vec<u32> {
        kept.all(|object| Ok(*object)).unwrap()
    }

    #[test]
    fn what_was_known_counts_until_the_next_list_is_whole() {
        let kept = Kept::default();
        assert!(kept.all(|object: &u32| Ok(*object)).is_err());
        kept.begin();
        kept.list("a".to_owned(), 1);
        kept.list("b".to_owned(), 2);
        assert!(!kept.is_listed());
        kept.listed();
        kept.put("c".to_owned(), 3);
        kept.remove("a");
        assert_eq!(names(&kept), [2, 3]);
        // The server forgot where the watch was: it lists again, and breaks off once.
        kept.begin();
        kept.list("z".to_owned(), 9);
        assert_eq!(names(&kept), [2, 3]);
        kept.begin();
        kept.list("b".to_owned(), 2);
        kept.listed();
        assert_eq!(names(&kept), [2]);
    }

    #[test]
    fn each_change_is_told_once_also_those_that_only_a_list_shows() {
        let kept = Kept::default();
        let seen: Arc<Mutex<Vec<(Option<u32>, Option<u32>)>>> = Arc::default();
        let told = Arc::clone(&seen);
        kept.tell(move |before, after| told.lock().unwrap().push((before.copied(), after.copied())));
        kept.begin();
        kept.list("a".to_owned(), 1);
        kept.listed();
        kept.put("a".to_owned(), 2);
        kept.put("b".to_owned(), 3);
        kept.begin();
        kept.list("b".to_owned(), 3);
        kept.listed();
        kept.remove("b");
        let expected = [
            (None, Some(1)),
            (Some(1), Some(2)),
            (None, Some(3)),
            (Some(3), Some(3)),
            (Some(2), None),
            (Some(3), None),
        ];
        assert_eq!(*seen.lock().unwrap(), expected);
    }
}
