//! Writes the data files: what librdkafka's own functions make of seeded stories of groups.
//! Argument: the folder for `librdkafka-cooperative-sticky.jsonl`.

use std::{
    collections::BTreeMap,
    ffi::{CStr, CString, c_char, c_int, c_void},
    fs::File,
    io::{BufWriter, Write},
    path::PathBuf,
};

use librdkafka_vectors::{
    group::{Group, Held, Member},
    random::Random,
    story::{Shape, Story},
};
use rdkafka_sys as _;

#[repr(C)]
struct ShimMember {
    id: *const c_char,
    instance: *const c_char,
    generation: c_int,
    topic_cnt: c_int,
    topics: *const *const c_char,
    owned_cnt: c_int,
    owned_topics: *const *const c_char,
    owned_partitions: *const c_int,
}

type Emit = extern "C" fn(*mut c_void, *const c_char, *const c_char, c_int);

unsafe extern "C" {
    fn shim_new(assignor: *const c_char) -> *mut c_void;
    fn shim_assign(
        client: *mut c_void,
        assignor: *const c_char,
        topic_cnt: c_int,
        names: *const *const c_char,
        counts: *const c_int,
        member_cnt: c_int,
        members: *const ShimMember,
        emit: Emit,
        opaque: *mut c_void,
    ) -> c_int;
}

/// A member with its strings in C's form; the pointers into it live as long as it does.
struct Prepared {
    id: CString,
    instance: Option<CString>,
    generation: c_int,
    _strings: Vec<CString>,
    topics: Vec<*const c_char>,
    owned_topics: Vec<*const c_char>,
    owned_partitions: Vec<c_int>,
}

fn c(text: &str) -> CString {
    CString::new(text).expect("no zero bytes in names")
}

fn prepared(id: &str, member: &Member) -> Prepared {
    let topics: Vec<CString> = member.topics.iter().map(|topic| c(topic)).collect();
    let owned: Vec<(CString, c_int)> =
        member.owned.iter().flat_map(|(topic, ps)| ps.iter().map(|p| (c(topic), *p))).collect();
    Prepared {
        id: c(id),
        instance: member.instance.as_deref().map(c),
        generation: member.generation.unwrap_or(-1),
        topics: topics.iter().map(|topic| topic.as_ptr()).collect(),
        owned_topics: owned.iter().map(|(topic, _)| topic.as_ptr()).collect(),
        owned_partitions: owned.iter().map(|(_, partition)| *partition).collect(),
        _strings: topics.into_iter().chain(owned.into_iter().map(|(topic, _)| topic)).collect(),
    }
}

impl Prepared {
    fn shim(&self) -> ShimMember {
        ShimMember {
            id: self.id.as_ptr(),
            instance: self.instance.as_ref().map_or(std::ptr::null(), |instance| instance.as_ptr()),
            generation: self.generation,
            topic_cnt: self.topics.len() as c_int,
            topics: self.topics.as_ptr(),
            owned_cnt: self.owned_topics.len() as c_int,
            owned_topics: self.owned_topics.as_ptr(),
            owned_partitions: self.owned_partitions.as_ptr(),
        }
    }
}

extern "C" fn collect(into: *mut c_void, member: *const c_char, topic: *const c_char, partition: c_int) {
    // SAFETY: `into` is the map that `assign` lends to the shim; the strings are librdkafka's, for this call.
    let (into, member, topic) = unsafe {
        (&mut *into.cast::<BTreeMap<String, Held>>(), CStr::from_ptr(member), CStr::from_ptr(topic))
    };
    let text = |text: &CStr| text.to_str().expect("ids and names are plain").to_owned();
    let new = into.entry(text(member)).or_default().entry(text(topic)).or_default().insert(partition);
    assert!(new, "a partition twice");
}

struct Assignor {
    client: *mut c_void,
    name: CString,
}

impl Assignor {
    fn new(name: &str) -> Self {
        let name = c(name);
        // SAFETY: a zero-terminated string.
        let client = unsafe { shim_new(name.as_ptr()) };
        assert!(!client.is_null());
        Self { client, name }
    }

    /// Members go in by id, topics by name.
    fn assign(&self, group: &Group) -> BTreeMap<String, Held> {
        let names: Vec<CString> = group.topics.keys().map(|name| c(name)).collect();
        let names: Vec<*const c_char> = names.iter().map(|name| name.as_ptr()).collect();
        let counts: Vec<c_int> = group.topics.values().copied().collect();
        let members: Vec<Prepared> = group.members.iter().map(|(id, member)| prepared(id, member)).collect();
        let members: Vec<ShimMember> = members.iter().map(Prepared::shim).collect();
        let mut assignment: BTreeMap<String, Held> = BTreeMap::new();
        // SAFETY: all pointers are into values that outlive the call, with the lengths given beside them.
        let error = unsafe {
            shim_assign(
                self.client,
                self.name.as_ptr(),
                counts.len() as c_int,
                names.as_ptr(),
                counts.as_ptr(),
                members.len() as c_int,
                members.as_ptr(),
                collect,
                (&raw mut assignment).cast(),
            )
        };
        assert_eq!(error, 0);
        assignment
    }
}

fn shape(seed: u64) -> Shape {
    let mut random = Random(seed ^ 0xABCD);
    let topics = 1 + random.below(4);
    let members = if random.once_in(4) { 1 + random.below(12) } else { 1 + random.below(7) };
    let partitions = topics + if random.once_in(4) { random.below(60) } else { random.below(25) };
    let one_static_in = Some(6);
    Shape { members, topics, partitions, unequal: seed % 2 == 1, one_static_in, stale: seed % 3 == 0 }
}

/// All static or none: where only some are, librdkafka's order of members is no order at all (see the README).
fn all_or_none(seed: u64) -> Shape {
    Shape { one_static_in: (seed % 4 < 2).then_some(1), ..shape(seed) }
}

fn large(unequal: bool) -> Shape {
    Shape { members: 100, topics: 3, partitions: 1000, unequal, one_static_in: Some(6), stale: false }
}

/// Picked among ten thousand others because they reach what the others rarely do: claims of three members, a former
/// owner that gets its partition back, members with few partitions to choose from.
const RARE: [u64; 7] = [10041, 10069, 10131, 10164, 10195, 11049, 12351];

fn write(
    assignor: &str,
    file: PathBuf,
    stories: impl Iterator<Item = (Story, usize)>,
) -> std::io::Result<()> {
    let assignor = Assignor::new(assignor);
    let mut out = BufWriter::new(File::create(file)?);
    for (mut story, rebalances) in stories {
        for _ in 0..rebalances {
            let assignment = assignor.assign(&story.now);
            writeln!(out, "{}", story.now.line(&assignment))?;
            story.accept(&assignment);
            story.change();
        }
    }
    out.flush()
}

fn main() -> std::io::Result<()> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "..".to_owned()));
    let small = (0..118).chain(RARE).map(|seed| (Story::new(seed, shape(seed)), 6));
    let big = [false, true].map(|unequal| (Story::new(1000, large(unequal)), 3));
    write("cooperative-sticky", folder.join("librdkafka-cooperative-sticky.jsonl"), small.chain(big))?;
    let beside = folder.join("librdkafka");
    for (assignor, file) in [("range", "range.jsonl"), ("roundrobin", "round-robin.jsonl")] {
        let stories = (0..40).map(|seed| (Story::new(seed, all_or_none(seed)), 5));
        write(assignor, beside.join(file), stories)?;
    }
    Ok(())
}
