use super::*;

fn offsets(log_start: u64, end: u64, earlier: OffsetAt, committed: Option<u64>) -> PartitionOffsets {
    PartitionOffsets { log_start, end, earlier: vec![earlier], committed }
}

fn first(offset: u64) -> OffsetAt {
    OffsetAt::First { offset, timestamp: None }
}

#[test]
fn a_quiet_partition_has_produced_nothing_and_that_is_known() {
    assert_eq!(offsets(0, 9, OffsetAt::NothingSince, None).produced_since(0), Some(0));
}

#[test]
fn what_was_produced_is_the_end_less_the_offset_then() {
    assert_eq!(offsets(0, 9, first(4), None).produced_since(0), Some(5));
    assert_eq!(offsets(0, 9, first(0), None).produced_since(0), Some(9), "the log is whole");
}

#[test]
fn a_log_that_does_not_reach_back_tells_nothing_of_then() {
    assert_eq!(offsets(4, 9, first(4), None).produced_since(0), None);
    assert_eq!(offsets(4, 9, first(5), None).produced_since(0), Some(4));
}

#[test]
fn a_time_that_was_not_asked_for_and_offsets_that_contradict_each_other_tell_nothing() {
    assert_eq!(offsets(0, 9, first(4), None).produced_since(1), None);
    assert_eq!(offsets(0, 3, first(4), None).produced_since(0), None);
}

#[test]
fn without_a_committed_offset_the_lag_is_not_known() {
    assert_eq!(offsets(0, 9, first(0), None).lag(), None);
    assert_eq!(offsets(0, 9, first(0), Some(9)).lag(), Some(0));
    assert_eq!(offsets(5, 9, first(0), Some(2)).lag(), Some(4), "what is deleted will not be consumed");
}
