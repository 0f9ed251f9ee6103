//! Planted bugs: each is a port that lies, or a cycle with wrong numbers, and one invariant must notice.

use jiff::SignedDuration;
use rebalancer_core::cycle::CycleSpec;
use rebalancer_core::fleet::{Indicator, Pod};
use rebalancer_core::history::{Approval, ApprovalLimits};
use rebalancer_core::unit::{Percent, Ratio, Tolerance};

use crate::fault::{Fault, Hitch};
use crate::setup::Setup;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bug {
    /// The policy keeps fewer pods than must stay.
    LowerMinimum,
    /// Pods that fail are listed as Ready.
    UnreadinessHidden,
    /// Pods that are counted again are shown as they were when the fleet was listed, as by a watch whose events come late.
    LateEvents,
    /// Pods of other revisions are not found.
    RevisionsHidden,
    /// Memory has no removal budget.
    NoRemovalBudget,
    /// Disruption budgets are not shown, and pods are deleted rather than evicted.
    BudgetsBypassed,
    /// Annotations are not shown.
    AnnotationsHidden,
    /// The deleter goes by the name alone.
    UidIgnored,
    /// The deleter asks once more when an answer is lost.
    RemovalRepeated,
    /// Two runs get the lock at once.
    LockForAll,
    /// A run never learns when its lock ends.
    LockEndHidden,
    /// The process does not hear that it is to end.
    Deaf,
    /// The store says that it saved, and did not.
    SaveSwallowed,
    /// The store says that it wrote the end, and did not.
    EndSwallowed,
    /// The journal is told after the removal.
    JournalLate,
    /// The deleter says that it removed, and did not.
    RemovalClaimed,
    /// What may have been removed is written down as removed.
    UnknownTakenForRemoved,
    /// The store forgets that the breaker is open.
    BreakerForgotten,
    /// Memory lets no rotation settle.
    NoSettling,
    /// Memory never gives up.
    NoBreaker,
    /// A fleet within its limits is taken for an uneven one.
    NeverBalanced,
    /// The deleter makes dry runs real.
    DryRunIgnored,
    /// The controller and the autoscaler are not shown.
    SurroundingsHidden,
    /// Nobody is asked although somebody must approve.
    ApprovalSkipped,
    /// The store says that somebody approved what nobody did.
    ApprovalForged,
    /// A watch that has been silent for long seems to have just spoken.
    SilenceHidden,
    /// Pods that are called like the workload's are shown as its own, and its controller counts them.
    StrangersAdopted,
    /// Two clusters get the lock on their group at once.
    GroupLockForAll,
    /// The lock on a group ends with the cycle that rotated it.
    GroupNotLeftToSettle,
}

impl Bug {
    pub(crate) const ALL: [Self; 29] = [
        Self::LowerMinimum,
        Self::UnreadinessHidden,
        Self::LateEvents,
        Self::RevisionsHidden,
        Self::NoRemovalBudget,
        Self::BudgetsBypassed,
        Self::AnnotationsHidden,
        Self::UidIgnored,
        Self::RemovalRepeated,
        Self::LockForAll,
        Self::LockEndHidden,
        Self::Deaf,
        Self::SaveSwallowed,
        Self::EndSwallowed,
        Self::JournalLate,
        Self::RemovalClaimed,
        Self::UnknownTakenForRemoved,
        Self::BreakerForgotten,
        Self::NoSettling,
        Self::NoBreaker,
        Self::NeverBalanced,
        Self::DryRunIgnored,
        Self::SurroundingsHidden,
        Self::ApprovalSkipped,
        Self::ApprovalForged,
        Self::SilenceHidden,
        Self::StrangersAdopted,
        Self::GroupLockForAll,
        Self::GroupNotLeftToSettle,
    ];

    /// The invariant that must notice.
    pub(crate) const fn breaks(self) -> &'static str {
        match self {
            Self::LowerMinimum | Self::UnreadinessHidden | Self::LateEvents => "minimum kept",
            Self::NoRemovalBudget => "removal budget kept",
            Self::BudgetsBypassed => "disruption budget kept",
            Self::AnnotationsHidden | Self::UidIgnored => "no vetoed pod",
            Self::RemovalRepeated => "no pod twice",
            Self::LockForAll | Self::LockEndHidden => "one batch at a time",
            Self::Deaf => "it stops when asked",
            Self::SaveSwallowed | Self::JournalLate => "every removal has its intent",
            Self::EndSwallowed => "only what is written is told",
            Self::RemovalClaimed | Self::UnknownTakenForRemoved => "the story is true",
            Self::BreakerForgotten | Self::NoSettling => "pauses are kept",
            Self::NoBreaker | Self::NeverBalanced => "it falls quiet",
            Self::DryRunIgnored => "a dry run changes nothing",
            Self::SurroundingsHidden | Self::RevisionsHidden => "never now",
            Self::ApprovalSkipped | Self::ApprovalForged => "nothing without approval",
            Self::SilenceHidden => "no old view",
            Self::StrangersAdopted => "only its own pods",
            Self::GroupLockForAll | Self::GroupNotLeftToSettle => "one rotation of a group at a time",
        }
    }

    /// Makes what the bug needs likely, and takes out of the way what other invariants would notice first.
    pub(crate) fn prepare(self, setup: &mut Setup) {
        let mix = &mut setup.mix;
        match self {
            Self::LowerMinimum => setup.policy.limits.minimum_pods = setup.pods - 2,
            Self::ApprovalSkipped | Self::ApprovalForged => {
                let hour = SignedDuration::from_hours(1);
                setup.approval = ApprovalLimits::new(hour, Percent::new(5.0).unwrap()).ok();
            }
            Self::SilenceHidden => setup.watches = true,
            Self::GroupLockForAll | Self::GroupNotLeftToSettle => setup.spans_clusters = true,
            Self::BudgetsBypassed => setup.budgets = vec![setup.pods],
            Self::RevisionsHidden => {
                setup.stateful = false;
                setup.custom = true;
                mix.disturb(Hitch::Rollout, 0.02);
            }
            Self::SurroundingsHidden => mix.disturb(Hitch::Rollout, 0.02),
            Self::AnnotationsHidden => mix.disturb(Hitch::PodOptedOut, 0.05),
            Self::NoBreaker => {
                setup.memory.policy = setup.memory.policy.spending(None);
            }
            Self::UnreadinessHidden | Self::LateEvents => mix.disturb(Hitch::PodUnready, 0.1),
            Self::UidIgnored => {
                setup.stateful = true;
                mix.disturb(Hitch::PodReborn, 0.1);
            }
            // A pod that is asked for twice uses its budget up twice too.
            Self::RemovalRepeated => setup.budgets.clear(),
            Self::LockForAll => mix.set(Fault::Overlap, 0.9),
            Self::LockEndHidden => {
                setup.suspends = true;
                setup.clock_error = SignedDuration::ZERO;
                mix.set(Fault::Overlap, 0.9);
                mix.set(Fault::Stall, 0.1);
            }
            _ => {}
        }
    }

    /// What the cycle is told.
    pub(crate) fn twist(self, spec: &mut CycleSpec) {
        match self {
            Self::ApprovalSkipped => spec.approval = Approval::NotRequired,
            Self::LowerMinimum => spec.policy.limits.minimum_pods = 1,
            Self::NoRemovalBudget => spec.memory.policy = spec.memory.policy.spending(None),
            Self::NoSettling => {
                let second = SignedDuration::from_secs(1);
                spec.memory.policy = spec.memory.policy.settling_for(second).unwrap();
            }
            Self::NoBreaker => {
                spec.memory.policy = spec.memory.policy.giving_up_after(u32::MAX, u32::MAX).unwrap();
            }
            Self::NeverBalanced => {
                spec.policy.balance.tolerance = Tolerance::new(1.0).unwrap();
                spec.policy.balance.variance_thresholds.insert(Indicator::Cpu, Ratio::ZERO);
                spec.policy.selection.minimum_improvement = Percent::new(0.0).unwrap();
            }
            Self::BudgetsBypassed => spec.policy.limits.respect_budgets = false,
            _ => {}
        }
    }

    /// What a pod looks like.
    pub(crate) fn shown(self, mut pod: Pod) -> Pod {
        match self {
            Self::AnnotationsHidden => pod.annotations.retain(|name, _| name.ends_with("opt-in")),
            Self::UnreadinessHidden => pod.ready = true,
            _ => {}
        }
        pod
    }
}
