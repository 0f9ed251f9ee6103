//! Work that ends when it is time to stop.

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
