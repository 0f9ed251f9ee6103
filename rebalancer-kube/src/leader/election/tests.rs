//! Candidates with clocks of their own, and one Lease between them.

mod acting;

use proptest::prelude::*;

use super::*;

const DURATION: Duration = Duration::from_secs(30);
const MARGIN: Duration = Duration::from_secs(10);

fn settings(identity: &str) -> ElectionSettings {
    ElectionSettings {
        namespace: "shop".to_owned(),
        lease: "leader".to_owned(),
        identity: identity.to_owned(),
        duration: DURATION,
        margin: MARGIN,
    }
}

/// The API server's Lease: a write counts where it names the version that is there.
#[derive(Default)]
struct Server(Option<Lease>, u64);

impl Server {
    fn write(&mut self, wanted: &Lease) -> Option<Lease> {
        if self.0.as_ref().and_then(version) != version(wanted) {
            return None;
        }
        self.1 += 1;
        let mut stored = wanted.clone();
        stored.metadata.resource_version = Some(self.1.to_string());
        self.0 = Some(stored.clone());
        Some(stored)
    }
}

struct Replica(Election);

impl Replica {
    fn new(identity: &str) -> Self {
        Self(Election::new(&settings(identity)))
    }

    /// Reads at `read`, and writes what follows at `write`, when the answer of the read may be old.
    fn turn(
        &mut self,
        server: &mut Server,
        found: Option<Lease>,
        read: Instant,
        write: Instant,
        now: Timestamp,
        answered: bool,
    ) {
        if let Next::Write(wanted) = self.0.next(found, read, now) {
            match server.write(&wanted) {
                Some(stored) if answered => self.0.written(&stored, write, write),
                None if answered => self.0.beaten(),
                Some(_) | None => {}
            }
        }
    }

    fn leads_at(&self, at: Instant) -> bool {
        self.0.until(at).is_some_and(|until| at < until)
    }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn one_leads_until_it_is_silent_for_the_whole_duration() {
    let (start, wall) = (Instant::now(), Timestamp::UNIX_EPOCH);
    let (mut server, mut one, mut other) = (Server::default(), Replica::new("one"), Replica::new("other"));
    let mut turn = |replica: &mut Replica, at: u64| {
        let (found, at) = (server.0.clone(), start + seconds(at));
        replica.turn(&mut server, found, at, at, wall, true);
    };
    turn(&mut one, 0);
    turn(&mut one, 15);
    assert!(
        !one.leads_at(start + seconds(29)),
        "whoever held the Lease that was not there may not know it yet"
    );
    turn(&mut one, 30);
    turn(&mut other, 31);
    assert!(one.leads_at(start + seconds(49)) && !one.leads_at(start + seconds(50)));
    turn(&mut one, 40);
    turn(&mut other, 61);
    assert!(!other.leads_at(start + seconds(61)), "it was renewed meanwhile");
    turn(&mut other, 90);
    assert!(!other.leads_at(start + seconds(90)), "it has not been seen unchanged for 30 seconds");
    turn(&mut other, 91);
    assert!(other.leads_at(start + seconds(91)));
    turn(&mut one, 92);
    assert!(!one.leads_at(start + seconds(92)));
    assert_eq!(one.0.holder().as_deref(), Some("other"));
}

#[test]
fn what_is_given_back_is_taken_at_once_and_what_was_removed_is_made_again() {
    let (start, wall) = (Instant::now(), Timestamp::UNIX_EPOCH);
    let (mut server, mut one, mut other) = (Server::default(), Replica::new("one"), Replica::new("other"));
    let later = start + DURATION;
    one.turn(&mut server, None, start, start, wall, true);
    let made = server.0.clone();
    one.turn(&mut server, made, later, later, wall, true);
    assert!(one.leads_at(later));
    let given = one.0.given_back(wall).unwrap();
    server.write(&given).unwrap();
    assert!(!one.leads_at(later));
    let found = server.0.clone();
    other.turn(&mut server, found, later, later, wall, true);
    assert!(other.leads_at(later));
    assert_eq!(server.0.as_ref().unwrap().spec.as_ref().unwrap().lease_transitions, Some(2));
    assert!(one.0.given_back(wall).is_none());
    server.0 = None;
    other.turn(&mut server, None, later, later, wall, true);
    assert!(!other.leads_at(later));
    let (made, later) = (server.0.clone(), later + DURATION);
    other.turn(&mut server, made, later, later, wall, true);
    assert!(other.leads_at(later));
}

proptest! {
    /// Replicas are stopped for any time between any two steps, their walls' clocks jump, answers are lost, and the Lease is
    /// removed: no two may begin something at one time.
    #[test]
    fn no_two_lead_at_one_time(steps in prop::collection::vec((0_usize..3, 0_u64..25, 0_u64..45, any::<i32>(), any::<bool>()), 1..80)) {
        let start = Instant::now();
        let mut server = Server::default();
        let mut replicas: Vec<Replica> = ["a", "b", "c"].map(Replica::new).into();
        let mut time = start;
        for (who, pause, stopped, wall, lossy) in steps {
            time += seconds(pause);
            // Somebody removes the Lease.
            if wall % 7 == 0 {
                server.0 = None;
            }
            let (found, read) = (server.0.clone(), time);
            // It is stopped between its two requests; time runs on for the others, who are looked at then.
            let asked = read;
            time += if stopped > 30 { seconds(stopped) } else { Duration::ZERO };
            let answered = !lossy || wall % 3 != 0;
            replicas[who].turn(&mut server, found, read, asked, Timestamp::from_second(i64::from(wall)).unwrap(), answered);
            let leading = replicas.iter().filter(|replica| replica.leads_at(time)).count();
            prop_assert!(leading <= 1);
        }
    }
}
