use super::*;

fn row() -> Row {
    Row(std::array::from_fn(|i| {
        (i as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }))
}

fn chunk(instructions: Instructions) -> Chunk {
    Chunk::new(4, Grain::Small, instructions).unwrap()
}

#[test]
fn page_holds_what_was_written_and_names_each_word_that_differs() {
    for instructions in Instructions::all() {
        let mut chunk = chunk(instructions);
        let row = row();
        let content = |page: usize| Content {
            row: &row,
            key: page as u64 * 0x1111_2222_3333_4444,
        };
        for page in 0..4 {
            chunk.fill(page, content(page));
        }
        let other = Content {
            key: !content(2).key,
            row: &row,
        };
        for page in 0..4 {
            chunk.check(page, content(page), &mut |word, read| {
                panic!("{instructions:?}: page {page} word {word}: {read:x}")
            });
        }
        assert_eq!(chunk.read(2, 17), content(2).word(17));
        // Every place of a line, in lines at both ends and in the middle.
        let planted = [0, 7, 9, 18, 27, 36, 45, 54, 511];
        chunk.fill_some(2, other, &planted);
        for page in 0..4 {
            let mut found = Vec::new();
            chunk.check(page, content(page), &mut |word, read| {
                found.push((word as u16, read));
            });
            let expected: Vec<_> = planted
                .iter()
                .filter(|_| page == 2)
                .map(|word| (*word, other.word(usize::from(*word))))
                .collect();
            assert_eq!(found, expected, "{instructions:?}: page {page}");
        }
    }
}

#[test]
fn replaced_page_names_what_was_read_before_it_was_written_in_the_order_asked() {
    for instructions in Instructions::all() {
        let mut chunk = chunk(instructions);
        let row = row();
        let old = Content { row: &row, key: 5 };
        let new = Content { row: &row, key: !5 };
        for (direction, places) in [
            (Direction::Up, [3, 300, 511]),
            (Direction::Down, [511, 300, 3]),
        ] {
            chunk.fill(1, old);
            chunk.fill_some(1, Content { row: &row, key: 0 }, &[300, 3, 511]);
            let mut found = Vec::new();
            chunk.replace(1, (old, new), direction, &mut |word, read| {
                found.push((word, read));
            });
            assert_eq!(found, places.map(|word| (word, row.0[word])));
            chunk.check(1, new, &mut |word, read| {
                panic!("{instructions:?}: word {word}: {read:x}")
            });
        }
    }
}

#[test]
fn words_outside_of_a_page_are_never_written() {
    let mut chunk = chunk(Instructions::widest());
    let row = row();
    let content = Content { row: &row, key: 9 };
    (0..4).for_each(|page| chunk.fill(page, content));
    let other = Content { row: &row, key: 8 };
    chunk.fill_some(1, other, &[512, 1024, u16::MAX]);
    for page in 0..4 {
        chunk.check(page, content, &mut |word, _| {
            panic!("page {page} word {word}")
        });
    }
}

#[test]
fn frames_are_distinct_and_told_to_those_who_may_know() {
    let chunk = Chunk::new(1024, Grain::Huge, Instructions::widest()).unwrap();
    let frames = chunk.frames().unwrap();
    assert_eq!(frames.len(), 1024);
    let mut known: Vec<u64> = frames.into_iter().flatten().collect();
    let told = known.len();
    known.sort_unstable();
    known.dedup();
    assert_eq!(known.len(), told, "two pages in one frame");
    assert!(told == 0 || told == 1024, "{told} of 1024 pages");
}

#[test]
fn entry_of_a_page_that_is_away_or_of_a_secret_frame_names_none() {
    assert_eq!(frame(1 << 63 | 0x1234), Some(0x1234));
    assert_eq!(frame(1 << 63 | 1 << 55 | 0x1234), Some(0x1234));
    assert_eq!(frame(0x1234), None);
    assert_eq!(frame(1 << 63), None);
    // Swapped: type and offset stand where the frame would.
    assert_eq!(frame(1 << 62 | 0x1234), None);
}

#[test]
fn impossible_lengths_are_errors() {
    for pages in [0, usize::MAX, usize::MAX / PAGE_BYTES] {
        let refused = Chunk::new(pages, Grain::Huge, Instructions::widest());
        assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
}

#[test]
#[should_panic(expected = "page 4 of 4")]
fn page_that_is_not_there_is_refused() {
    chunk(Instructions::widest()).fill(
        4,
        Content {
            row: &row(),
            key: 0,
        },
    );
}
