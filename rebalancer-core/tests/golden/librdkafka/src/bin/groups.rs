//! Real consumers in real groups on librdkafka's mock cluster: what their leaders gave out, rebalance by rebalance,
//! read from the leaders' own logs. Writes the file named by the argument, `groups.jsonl` without one.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::Write,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use librdkafka_vectors::{
    group::{Group, Held, Member},
    random::Random,
};
use rdkafka::{
    ClientConfig, ClientContext,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer, ConsumerContext},
    mocking::MockCluster,
};

/// No new line from a leader for so long: the group is at rest.
const QUIET: Duration = Duration::from_millis(4500);
const GROUPS: u64 = 48;
const CHANGES: usize = 6;

type Log = Arc<Mutex<(Instant, Vec<String>)>>;

struct Listener(Log);

impl ClientContext for Listener {
    fn log(&self, _: RDKafkaLogLevel, facility: &str, message: &str) {
        if facility == "ASSIGN" {
            let mut log = self.0.lock().expect("nobody panics with the log");
            log.0 = Instant::now();
            log.1.push(message.split_once("]: ").map_or(message, |(_, text)| text).to_owned());
        }
    }
}

impl ConsumerContext for Listener {}

struct Running {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

fn start(servers: &str, topics: &[String], log: &Log) -> Running {
    let consumer: BaseConsumer<Listener> = ClientConfig::new()
        .set("bootstrap.servers", servers)
        .set("group.id", "group")
        .set("partition.assignment.strategy", "cooperative-sticky")
        .set("heartbeat.interval.ms", "200")
        .set("session.timeout.ms", "6000")
        .set("debug", "assignor")
        .set_log_level(RDKafkaLogLevel::Debug)
        .create_with_context(Listener(Arc::clone(log)))
        .expect("a consumer");
    consumer.subscribe(&topics.iter().map(String::as_str).collect::<Vec<_>>()).expect("a subscription");
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let thread = thread::spawn(move || {
        while !stopped.load(Ordering::Relaxed) {
            drop(consumer.poll(Duration::from_millis(50)));
        }
    });
    Running { stop, thread }
}

fn settle(log: &Log) {
    log.lock().expect("nobody panics with the log").0 = Instant::now();
    while log.lock().expect("nobody panics with the log").0.elapsed() < QUIET {
        thread::sleep(Duration::from_millis(50));
    }
}

/// Lets one group live through some changes; gives back the lines of data.
fn group(seed: u64) -> Vec<String> {
    let mut random = Random(seed);
    let cluster = MockCluster::new(1).expect("a mock cluster");
    let topics: BTreeMap<String, i32> =
        (0..1 + random.below(3)).map(|i| (format!("t{i:02}"), 3 + random.below(20) as i32)).collect();
    for (name, count) in &topics {
        cluster.create_topic(name, *count, 1).expect("a topic");
    }
    let names: Vec<String> = topics.keys().cloned().collect();
    let log: Log = Arc::new(Mutex::new((Instant::now(), Vec::new())));
    let servers = cluster.bootstrap_servers();
    let join = |random: &mut Random| {
        let some = names.iter().filter(|_| seed % 4 != 3 || !random.once_in(3)).cloned().collect::<Vec<_>>();
        start(&servers, if some.is_empty() { &names } else { &some }, &log)
    };
    let mut running: Vec<Running> = (0..2 + random.below(7)).map(|_| join(&mut random)).collect();
    settle(&log);
    for _ in 0..CHANGES {
        let leaving = random.below(running.len().min(4));
        let joining = if random.once_in(2) { leaving } else { random.below(3) };
        for _ in 0..leaving {
            let gone = running.remove(random.below(running.len()));
            gone.stop.store(true, Ordering::Relaxed);
            gone.thread.join().expect("a consumer ends");
        }
        if random.once_in(2) {
            settle(&log);
        }
        running.extend((0..joining).map(|_| join(&mut random)));
        settle(&log);
    }
    for one in &running {
        one.stop.store(true, Ordering::Relaxed);
    }
    let lines = std::mem::take(&mut log.lock().expect("nobody panics with the log").1);
    running.into_iter().for_each(|one| one.thread.join().expect("a consumer ends"));
    retold(&topics, &lines)
}

/// One run of the assignor, as logged.
#[derive(Default)]
struct Run {
    subscriptions: BTreeMap<String, BTreeSet<String>>,
    owned: BTreeMap<String, usize>,
    targets: BTreeMap<String, Held>,
}

fn runs(lines: &[String]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let (mut member, mut after) = (String::new(), false);
    for line in lines {
        if line.contains("running cooperative-sticky assignor") {
            runs.push(Run::default());
            after = false;
        } else if line.contains("finished in") {
            after = true;
        } else if let Some(run) = runs.last_mut() {
            if let Some(text) = line.trim_start().strip_prefix("Member \"") {
                let (id, rest) = text.split_once('"').expect("an id");
                id.clone_into(&mut member);
                if after {
                    run.targets.entry(member.clone()).or_default();
                } else {
                    let count = rest.trim_start_matches(" (me)").trim_start_matches(" with ");
                    let count = count.split(' ').next().and_then(|text| text.parse().ok()).expect("a count");
                    run.owned.insert(member.clone(), count);
                    run.subscriptions.entry(member.clone()).or_default();
                }
            } else if let Some((topic, partition)) = line.trim().trim_end_matches(']').split_once(" [") {
                if after {
                    let partition = partition.parse().expect("a partition");
                    let target = run.targets.entry(member.clone()).or_default();
                    target.entry(topic.to_owned()).or_default().insert(partition);
                } else {
                    run.subscriptions.entry(member.clone()).or_default().insert(topic.to_owned());
                }
            }
        }
    }
    runs
}

/// What is logged is what the assignor wants; what others still hold is left out before it is sent. What a member
/// holds as it joins is what it was sent last, or, if a rebalance was overtaken by the next one, what it was sent
/// before that: the logged count decides, and the story ends where nothing fits, or two different things do.
fn retold(topics: &BTreeMap<String, i32>, lines: &[String]) -> Vec<String> {
    let mut sent: BTreeMap<String, Vec<(i32, Held)>> = BTreeMap::new();
    let mut told = Vec::new();
    for (run, generation) in runs(lines).into_iter().zip(1..) {
        let Some(members) = as_they_join(&run, &mut sent) else {
            eprintln!("rebalance {generation}: not known who holds what");
            break;
        };
        let group = Group { topics: topics.clone(), members };
        let targets = run.targets.iter();
        let assignment: BTreeMap<String, Held> =
            targets.map(|(id, target)| (id.clone(), without_others(&group.members, id, target))).collect();
        told.push(group.line(&assignment));
        for (id, held) in assignment {
            sent.entry(id).or_default().push((generation, held));
        }
    }
    told
}

/// Drops from `sent` what was overtaken, and those who left.
fn as_they_join(
    run: &Run,
    sent: &mut BTreeMap<String, Vec<(i32, Held)>>,
) -> Option<BTreeMap<String, Member>> {
    sent.retain(|id, _| run.owned.contains_key(id));
    let mut members = BTreeMap::new();
    for (id, count) in &run.owned {
        let history = sent.entry(id.clone()).or_default();
        let size = |held: &Held| held.values().map(BTreeSet::len).sum::<usize>();
        while history.pop_if(|(_, held)| size(held) != *count).is_some() {}
        let mut fitting = history.iter().map(|(_, held)| held).filter(|held| size(held) == *count);
        let first = fitting.next();
        if fitting.any(|held| Some(held) != first) {
            return None;
        }
        let (generation, owned) = match history.last() {
            Some((generation, held)) => (Some(*generation), held.clone()),
            None if *count == 0 => (None, Held::new()),
            None => return None,
        };
        members.insert(
            id.clone(),
            Member { instance: None, topics: run.subscriptions[id].clone(), owned, generation },
        );
    }
    (run.targets.len() == members.len()).then_some(members)
}

fn without_others(members: &BTreeMap<String, Member>, me: &String, target: &Held) -> Held {
    let held_by_another = |topic: &String, partition: &i32| {
        members.iter().any(|(id, member)| {
            id != me && member.owned.get(topic).is_some_and(|held| held.contains(partition))
        })
    };
    target
        .iter()
        .map(|(topic, partitions)| {
            let free = partitions.iter().filter(|partition| !held_by_another(topic, partition));
            (topic.clone(), free.copied().collect())
        })
        .collect()
}

fn main() -> std::io::Result<()> {
    let file = std::env::args().nth(1).unwrap_or_else(|| "groups.jsonl".to_owned());
    let groups: Vec<JoinHandle<Vec<String>>> =
        (0..GROUPS).map(|seed| thread::spawn(move || group(seed))).collect();
    let mut out = File::create(file)?;
    for group in groups {
        for line in group.join().expect("a group's story") {
            writeln!(out, "{line}")?;
        }
    }
    Ok(())
}
