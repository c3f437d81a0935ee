//! Files that are damaged or may not be written: a clear error, at the start or later, and no panic.

use super::*;

/// A database with something in it, and its bytes.
async fn filled(path: &Path) -> Vec<u8> {
    let store = Store::open(path).unwrap();
    let id = store
        .register_connections(names(&["gmail"]))
        .unwrap()
        .remove(0);
    for number in 0..200 {
        let config = config(&format!("config-{number}"), &id);
        store.create_config(config).await.unwrap().unwrap();
    }
    drop(store);
    std::fs::read(path).unwrap()
}

/// Opens the file and reads and writes all there is; answers the first error.
async fn use_all(path: &Path) -> Result<(), StoreError> {
    let store = Store::open(path)?;
    let id = store.register_connections(names(&["gmail"]))?.remove(0);
    let mut cursor = None;
    loop {
        let page = store
            .list_configs(ConfigFilter::default(), 30, cursor)
            .await?;
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    store
        .list_accounts(AccountFilter::default(), 30, None)
        .await?;
    store.create_config(config("one-more", &id)).await?;
    Ok(())
}

type Damage = dyn Fn(&mut Vec<u8>);

#[tokio::test]
async fn a_damaged_header_is_called_damaged() {
    let (_folder, path) = folder();
    let bytes = filled(&path).await;
    // The signature, the size of pages, and a file that ends early.
    let broken: [&Damage; 4] = [
        &|bytes| bytes[3] ^= 0xff,
        &|bytes| bytes[16] = 0x33,
        &|bytes| bytes.truncate(50),
        &|bytes| bytes.truncate(4096 * 3 + 17),
    ];
    for (case, damage) in broken.iter().enumerate() {
        let mut bytes = bytes.clone();
        damage(&mut bytes);
        std::fs::write(&path, &bytes).unwrap();
        let error = use_all(&path).await.unwrap_err();
        assert!(matches!(error, StoreError::Corrupt), "{case}: {error}");
        assert!(error.to_string().contains("restore it from a copy"));
    }
    std::fs::write(&path, &bytes).unwrap();
    use_all(&path).await.unwrap();
}

#[tokio::test]
async fn flipped_bytes_in_pages_are_survived_or_called_damaged() {
    let (_folder, path) = folder();
    let bytes = filled(&path).await;
    let mut random = fastrand::Rng::with_seed(7);
    let mut called = 0;
    for case in 0..60 {
        let mut bytes = bytes.clone();
        // The heads of pages, where their structure is, and anywhere.
        let page = random.usize(1..bytes.len() / 4096) * 4096;
        for _ in 0..8 {
            let place = page + random.usize(..if case % 2 == 0 { 16 } else { 4096 });
            bytes[place] = random.u8(..);
        }
        std::fs::write(&path, bytes).unwrap();
        let _ = std::fs::remove_file(path.with_extension("db-wal"));
        match use_all(&path).await {
            Ok(()) => {}
            Err(StoreError::Corrupt) => called += 1,
            // What is no damage to SQLite is a value that means nothing, or belongs to other values.
            Err(
                error @ (StoreError::Unreadable(_)
                | StoreError::Other(_)
                | StoreError::WrongKey
                | StoreError::Foreign
                | StoreError::Newer { .. }),
            ) => {
                assert!(!error.to_string().is_empty());
            }
            Err(error) => panic!("{case}: {error}"),
        }
    }
    assert!(called > 10, "{called}");
}

#[cfg(unix)]
#[tokio::test]
async fn what_cannot_be_written_is_called_so_and_left_alone() {
    use std::os::unix::fs::PermissionsExt;
    // For the one who may write everything, permissions say nothing.
    if rustix::process::geteuid().is_root() {
        let (folder, path) = folder();
        std::fs::create_dir(&path).unwrap();
        assert!(matches!(error(Store::open(&path)), StoreError::File { .. }));
        drop(folder);
        return;
    }
    let (folder, path) = folder();
    let before = filled(&path).await;
    let mode = |mode| {
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    std::fs::remove_file(path.with_extension("lock")).unwrap();
    mode(0o500);
    let refused = error(Store::open(&path));
    mode(0o700);
    assert!(matches!(refused, StoreError::ReadOnly), "{refused}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_full_disk_changes_nothing_and_passes() {
    let (_folder, path) = folder();
    let store = Store::open(&path).unwrap();
    let id = store
        .register_connections(names(&["gmail"]))
        .unwrap()
        .remove(0);
    let limit = async |pages: u32| {
        let set =
            move |tx: &Transaction<'_>| Ok(tx.pragma_update(None, "max_page_count", pages)?);
        store.write(set).await.unwrap();
    };
    limit(1).await;
    let mut stored = 0;
    let refused = loop {
        let name = format!("config-{stored}");
        match store.create_config(config(&name, &id)).await {
            Ok(created) => stored += u64::from(created.is_some()),
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, StoreError::DiskFull), "{refused}");
    let total = async || {
        store
            .list_configs(ConfigFilter::default(), 1, None)
            .await
            .unwrap()
            .total
    };
    assert_eq!(total().await, stored);
    limit(1_000_000).await;
    store
        .create_config(config("room-again", &id))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(total().await, stored + 1);
}
