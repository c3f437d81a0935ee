//! Lists of any shape: where pages lead, and how much is on them.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use futures_util::TryStreamExt;
use proptest::prelude::*;

use crate::testing::Server;

/// How many items a page has, and which page it leads to.
#[derive(Debug, Clone)]
struct Page {
    items: usize,
    next: Option<usize>,
}

/// One page after the other, the last one leading nowhere or back, or each to anywhere. None leads
/// to the first: that one is asked for without a token.
fn list() -> impl Strategy<Value = Vec<Page>> {
    let sizes = prop_oneof![Just(0), 1usize..5];
    (prop::collection::vec((sizes, 0usize..9), 1..9), 0..4).prop_map(|(pages, kind)| {
        let count = pages.len();
        let pages = pages.into_iter().enumerate();
        pages
            .map(|(number, (items, anywhere))| {
                let next = match kind {
                    0 => anywhere,
                    1 if number + 1 == count => anywhere,
                    _ => number + 1,
                };
                let next = Some(next).filter(|next| (1..count).contains(next));
                Page { items, next }
            })
            .collect()
    })
}

/// The pages that are fetched, and whether the last one leads back to one of them.
fn walk(list: &[Page]) -> (Vec<usize>, bool) {
    let mut fetched = vec![0];
    while let Some(next) = list[*fetched.last().unwrap()].next {
        if fetched.contains(&next) {
            return (fetched, true);
        }
        fetched.push(next);
    }
    (fetched, false)
}

async fn server(list: Vec<Page>, asked: Arc<AtomicUsize>) -> Server {
    Server::start(move |request, _| {
        if request == "POST /oauth/token" {
            return (200, r#"{"access_token":"a.t"}"#.to_owned());
        }
        asked.fetch_add(1, Ordering::SeqCst);
        let number = request
            .split_once("page_token=page-")
            .map_or(0, |(_, number)| number.parse().unwrap());
        let configs: Vec<_> = (0..list[number].items)
            .map(|item| serde_json::json!({ "id": format!("cfg_{number}_{item}") }))
            .collect();
        let next = list[number].next.map(|next| format!("page-{next}"));
        let page = serde_json::json!({ "configs": configs, "next_page_token": next });
        (200, page.to_string())
    })
    .await
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_item_comes_once_and_in_order_and_no_page_before_it_is_wanted(list in list()) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let (fetched, circle) = walk(&list);
            let asked = Arc::new(AtomicUsize::new(0));
            let server = server(list.clone(), Arc::clone(&asked)).await;
            let mut stream = server.client().iter_configs().stream();
            prop_assert_eq!(asked.load(Ordering::SeqCst), 0);
            // A page that leads back is no answer, and what is on it is not given out.
            let answers = &fetched[..fetched.len() - usize::from(circle)];
            for (before, number) in answers.iter().enumerate() {
                for item in 0..list[*number].items {
                    let config = stream.try_next().await.unwrap().unwrap();
                    prop_assert_eq!(config.id, format!("cfg_{number}_{item}"));
                    prop_assert_eq!(asked.load(Ordering::SeqCst), before + 1);
                }
            }
            let end = stream.try_next().await;
            prop_assert_eq!(end.as_ref().err().map(crate::Error::code), circle.then_some("answer_invalid"));
            prop_assert!(circle || end.unwrap().is_none());
            prop_assert!(stream.try_next().await.unwrap().is_none());
            prop_assert_eq!(asked.load(Ordering::SeqCst), fetched.len());
            Ok(())
        })?;
    }
}
