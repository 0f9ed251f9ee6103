#![allow(warnings)]
use rebalancer_core::{assignor::*, fleet::*, policy::*, port::*, report::*, snapshot::*, planner, unit::*, stats::Distribution};
use rand::{rngs::ChaCha8Rng, SeedableRng, Rng, seq::SliceRandom};
use rand_distr::{LogNormal, Distribution as _};
use std::collections::BTreeMap;
use jiff::{Timestamp, SignedDuration};
struct W { r: ChaCha8Rng, loads: Vec<f64>, m: Vec<(String, Member)>, now: Timestamp, serial: usize, a: Assignor, t: Timing }
fn g(loads: &[f64]) -> Vec<Topic> { vec![Topic{name:"t".into(), partitions: loads.len() as u32}] }
impl W {
  fn new(pods: usize, parts: usize, sigma: f64, seed: u64, a: Assignor, t: Timing) -> W {
    let mut r = ChaCha8Rng::seed_from_u64(seed);
    let d = LogNormal::new(0.0, sigma).unwrap();
    let mut loads: Vec<f64> = (0..parts).map(|_| d.sample(&mut r)).collect();
    let tot: f64 = loads.iter().sum(); for l in &mut loads { *l *= 0.6*pods as f64/tot; }
    let mut order: Vec<u32> = (0..parts as u32).collect(); order.shuffle(&mut r);
    let mut w = W { r, loads, m: vec![], now: Timestamp::constant(1_767_225_600,0), serial: 0, a, t };
    for i in 0..pods { let p = w.pod(); w.m.push(p); }
    if a.is_sticky() { for (i,p) in order.iter().enumerate() { w.m[i%pods].1.owned.push(TopicPartition{topic:0,partition:*p}); } for m in &mut w.m { m.1.owned.sort(); m.1.generation=Some(1);} }
    else { w.reb(); }
    w
  }
  fn pod(&mut self) -> (String, Member) { self.serial+=1; (format!("c-{:05}", self.serial), Member{ id: format!("{:016x}", self.r.next_u64()), instance: None, subscription: vec![0], owned: vec![], generation: None }) }
  fn reb(&mut self) { let grp = Group{topics: g(&self.loads), members: self.m.iter().map(|m| m.1.clone()).collect()}; let a = self.a.assign(&grp); for (m, o) in self.m.iter_mut().zip(a) { m.1.owned = o; m.1.generation = Some(m.1.generation.unwrap_or(0)+1);} let mx = self.m.iter().map(|m| m.1.generation.unwrap()).max().unwrap(); for m in &mut self.m { m.1.generation = Some(mx); } }
  fn l(&self) -> Vec<f64> { self.m.iter().map(|m| m.1.owned.iter().map(|p| self.loads[p.partition as usize]).sum()).collect() }
  fn cv(&self) -> f64 { Distribution::of(self.l().into_iter().map(|l| Load::new(l).unwrap())).unwrap().cv }
  fn snap(&self) -> Snapshot {
    let since = self.now - SignedDuration::from_hours(1);
    let pods = self.m.iter().map(|(n,_)| Pod{namespace:"s".into(), name:n.clone(), uid: Uid::new(n.clone()), phase: Phase::Running, ready:true, ready_since: Some(since), terminating:false, created_at:Some(since), node:None, owner:Some(Owner{kind:"ReplicaSet".into(),name:"x".into()}), mirror:false, priority_class:None, container:Some(Requests{cpu:Cores::new(1.0).ok(),memory:None})}).collect();
    let cpu: Samples = self.m.iter().zip(self.l()).map(|((n,_),l)| (n.clone(), Load::new(l).unwrap())).collect();
    let parts = self.m.iter().flat_map(|(n,m)| m.owned.iter().map(move |p| (n.clone(), *p))).map(|(n,p)| PartitionLoad{topic:"t".into(),partition:p.partition.to_string(),pod:n,load:Load::new(self.loads[p.partition as usize]*1000.0).unwrap()}).collect();
    Snapshot::assemble(Workload{namespace:"s".into(),name:"c".into()}, self.now, pods, Ok(vec![Hpa{name:"c".into(),scales:Some("c".into()),cpu:Some(CpuTarget::Utilization(70.0))}]), "", Readings{loads:BTreeMap::from([(Indicator::Cpu, Ok(cpu))]), cpu_requests:Ok(Samples::new()), hpas:Ok(vec![]), partitions:Some(Ok(parts))}).unwrap()
  }
  fn remove(&mut self, uids: &[String]) {
    let n0 = self.m.len(); self.m.retain(|m| !uids.contains(&m.0)); let k = n0-self.m.len();
    if self.t==Timing::LeaveThenJoin { self.reb(); }
    for _ in 0..k { let p = self.pod(); self.m.push(p); }
    self.reb(); self.now += SignedDuration::from_mins(10);
  }
}
#[test] fn compare() {
  for (pods, parts, sigma) in [(20,80,0.5),(20,80,1.0),(20,160,1.0),(50,400,1.0),(12,96,0.8),(100,800,1.0)] {
    for a in [Assignor::CooperativeSticky, Assignor::Sticky, Assignor::Uniform, Assignor::Range] { for t in [Timing::AllAtOnce, Timing::LeaveThenJoin] {
      let mut line = format!("{pods}/{parts}/{sigma} {a} {t:?}: ");
      for strat in [Strategy::RotateOutliers, Strategy::Predict] {
        let (mut c0, mut c1, mut rem, mut errs, mut useless, mut rots) = (0.0,0.0,0,vec![],0,0);
        let seeds = 6;
        let st = std::time::Instant::now(); let mut nplans=0;
        for seed in 0..seeds {
          let mut w = W::new(pods, parts, sigma, seed, a, t); c0 += w.cv();
          let pol = Policy{strategy: strat, timing: t, assignor: Some(a), ..Policy::default()};
          for _ in 0..30 { let s = w.snap(); nplans+=1; let rep = planner::plan(&s,&pol);
            if let Decision::Rotate(p) = &rep.decision { let b = w.cv(); rem += p.removals.len(); rots+=1; w.remove(&p.removals.iter().map(|r| r.pod.name.clone()).collect::<Vec<_>>()); if w.cv() >= b {useless+=p.removals.len();} if let Some(pr)=rep.prediction { errs.push(((b-w.cv()), pr.cv_before-pr.expected_cv)); } } else { break; } }
          c1 += w.cv();
        }
        let mut e: Vec<f64> = errs.iter().map(|(act,pre)| ((act-pre)/pre).abs()).collect(); e.sort_by(f64::total_cmp);
        let tot: (f64,f64) = errs.iter().fold((0.0,0.0), |s,x| (s.0+x.0,s.1+x.1));
        line += &format!(" | {:?} {:.3}->{:.3} rem {} useless {} rots {} mederr {:.2} act/pred {:.2} {:.1}ms", strat, c0/seeds as f64, c1/seeds as f64, rem, useless, rots, e.get(e.len()/2).copied().unwrap_or(0.0), tot.0/tot.1.max(1e-9), st.elapsed().as_secs_f64()*1000.0/nplans as f64);
      }
      println!("{line}");
    }}
  }
}
