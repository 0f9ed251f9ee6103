//! Work at the same time, and work that ends when it is time to stop. The core has no runtime of its own.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use crate::port::{Interrupt, Interruption};

/// Drops the work when it is time to stop.
pub(super) async fn until_stopped<T>(
    interrupt: &dyn Interrupt,
    work: impl Future<Output = T>,
) -> Result<T, Interruption> {
    let mut work = pin!(work);
    let mut stopped = interrupt.stopped();
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Ok(done)),
        Poll::Pending => stopped.as_mut().poll(context).map(Err),
    })
    .await
}

/// Does both at the same time, and waits for both. Of two that are ready the first goes first.
pub(super) async fn both<A, B>(first: impl Future<Output = A>, second: impl Future<Output = B>) -> (A, B) {
    let (mut first, mut second) = (pin!(first), pin!(second));
    let (mut a, mut b) = (None, None);
    poll_fn(|context| {
        if a.is_none()
            && let Poll::Ready(done) = first.as_mut().poll(context)
        {
            a = Some(done);
        }
        if b.is_none()
            && let Poll::Ready(done) = second.as_mut().poll(context)
        {
            b = Some(done);
        }
        match (a.take(), b.take()) {
            (Some(a), Some(b)) => Poll::Ready((a, b)),
            (one, other) => {
                (a, b) = (one, other);
                Poll::Pending
            }
        }
    })
    .await
}
