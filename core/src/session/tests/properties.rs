//! Sessions of any lifetime, whatever happens to their callers, their server and the clock.

use std::collections::HashSet;

use proptest::prelude::*;
use tokio::task::yield_now;

use super::*;

const DAY: u64 = 86_400;

#[derive(Debug, Clone)]
enum Step {
    /// So many callers ask for the token at once.
    Ask(usize),
    /// A caller asks and goes away before there can be an answer.
    AskAndLeave,
    /// The server refuses the token at hand, and so many callers say so.
    Reject(usize),
    /// A caller comes late with a token that may have been replaced already.
    RejectEarlier(prop::sample::Index),
    /// From now on mints fail, or work again.
    Fail(bool),
    /// From now on the server keeps its answers back, or gives them again.
    Hold(bool),
    /// The clock jumps by so many seconds.
    Jump(u64),
    /// What is under way ends.
    Settle,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (1usize..9).prop_map(Step::Ask),
        2 => Just(Step::AskAndLeave),
        2 => (1usize..9).prop_map(Step::Reject),
        2 => any::<prop::sample::Index>().prop_map(Step::RejectEarlier),
        2 => any::<bool>().prop_map(Step::Fail),
        2 => any::<bool>().prop_map(Step::Hold),
        2 => (0u64..60).prop_map(Step::Jump),
        3 => (0..2 * DAY).prop_map(Step::Jump),
        4 => Just(Step::Settle),
    ];
    prop::collection::vec(step, 1..60)
}

/// Lifetimes as they are common, and any other.
fn lifetime() -> impl Strategy<Value = Duration> {
    prop_oneof![Just(60), 60..DAY, Just(DAY)].prop_map(Duration::from_secs)
}

struct World {
    scene: Scene,
    session: Session,
    lifetime: Duration,
    /// Of which [`Session::rejected`] has said that they are replaced.
    replaced: Mutex<HashSet<String>>,
    problems: Mutex<Vec<String>>,
}

impl World {
    async fn new(lifetime: Duration) -> Self {
        let scene = Scene::new().await;
        let patient = Duration::from_secs(30 * DAY);
        let client = scene.server.builder().max_retries(0);
        let client = client.timeout(patient).attempt_timeout(patient);
        let session = client
            .build()
            .unwrap()
            .open_session(Scene::target(), "user_1");
        Self {
            session: session.expiry(lifetime).await.unwrap(),
            scene,
            lifetime,
            replaced: Mutex::default(),
            problems: Mutex::default(),
        }
    }

    fn problem(&self, text: String) {
        self.problems.lock().unwrap().push(text);
    }

    async fn ask(self: Arc<Self>) {
        let replaced = self.replaced.lock().unwrap().clone();
        let works = self.session.current().left() >= WAIT_BELOW;
        let asked = self.session.token().await;
        let current = self.session.current();
        match asked {
            Ok(token) if replaced.contains(token.token()) => {
                self.problem(format!("`{}` had been replaced", token.token()));
            }
            Ok(token) if token.token() != current.token.token() || current.left().is_zero() => {
                self.problem(format!("`{}` had ended", token.token()));
            }
            Err(error) if works => self.problem(format!("a good token was lost: {error}")),
            Ok(_) | Err(_) => {}
        }
    }

    async fn reject(self: Arc<Self>, token: String) {
        if self.session.rejected(&token).await.is_ok() {
            self.replaced.lock().unwrap().insert(token);
        }
    }

    fn at_hand(&self) -> String {
        self.session.current().token.token().to_owned()
    }

    /// Whether a caller who asks now may cause a mint.
    fn is_due(&self) -> bool {
        let left = self.session.current().left();
        left < self.lifetime / 5 || left < Duration::from_secs(10)
    }

    /// What was sent arrives, and what was answered too.
    async fn deliver(&self) {
        for _ in 0..100 {
            yield_now().await;
        }
        let waiting = self.scene.mints() - self.scene.answered.load(Ordering::SeqCst);
        if waiting > 1 {
            self.problem(format!("{waiting} mints were under way at once"));
        }
    }
}

async fn play(lifetime: Duration, steps: Vec<Step>) -> Vec<String> {
    let world = Arc::new(World::new(lifetime).await);
    let (mut callers, mut held) = (Vec::new(), None);
    let mut known = vec![world.at_hand()];
    // The first one, and at most one for each time that there was a reason.
    let mut most = 1;
    for step in steps {
        match step {
            Step::Ask(count) => {
                most += usize::from(world.is_due());
                callers.extend((0..count).map(|_| tokio::spawn(Arc::clone(&world).ask())));
            }
            Step::AskAndLeave => {
                most += usize::from(world.is_due());
                drop(futures_util::FutureExt::now_or_never(world.session.token()));
            }
            Step::Reject(count) => {
                most += 1;
                let token = world.at_hand();
                callers.extend(
                    (0..count).map(|_| tokio::spawn(Arc::clone(&world).reject(token.clone()))),
                );
            }
            Step::RejectEarlier(which) => {
                let token = known[which.index(known.len())].clone();
                most += usize::from(token == world.at_hand());
                callers.push(tokio::spawn(Arc::clone(&world).reject(token)));
            }
            Step::Fail(fails) => {
                let status = if fails { 500 } else { 0 };
                world.scene.fail_with.store(status, Ordering::SeqCst);
            }
            Step::Hold(true) if held.is_none() => held = Some(world.scene.server.hold().await),
            Step::Hold(false) => held = None,
            Step::Jump(seconds) => {
                // What was under way may come too late.
                most += usize::from(held.is_some());
                pass(Duration::from_secs(seconds)).await;
            }
            Step::Settle if held.is_none() => drop(under_way(&world.session).await),
            Step::Hold(true) | Step::Settle => {}
        }
        world.deliver().await;
        let current = world.at_hand();
        if known.last() != Some(&current) {
            known.push(current);
        }
    }
    drop(held);
    world.scene.fail_with.store(0, Ordering::SeqCst);
    for caller in callers {
        caller.await.unwrap();
    }
    drop(under_way(&world.session).await);
    let mints = world.scene.mints();
    if mints > most {
        world.problem(format!("{mints} mints for {most} reasons"));
    }
    if let Err(error) = world.session.token().await {
        world.problem(format!("the run does not go on: {error}"));
    }
    world.problems.lock().unwrap().clone()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_happens_tokens_are_good_and_minted_for_a_reason(
        lifetime in lifetime(),
        steps in steps(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let problems = runtime.block_on(play(lifetime, steps));
        prop_assert!(problems.is_empty(), "{problems:?}");
    }
}
