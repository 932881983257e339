//! Where things stand on the screen. Lines of text on a grid, so that 80×24, a serial line and a
//! screen reader get the same.

use super::consent::{Source, wanted};
use super::state::{Mode, Night, Plan, Row, State};
use super::words::{fit, plain, size, wrap};
use super::{details, list, night};
use crate::i18n::{Text, fill};
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

/// Lines above the body.
const HEADER_LINES: u16 = 4;
/// Message and keys.
const FOOTER_LINES: u16 = 3;
/// Heading of the list and of the details.
const HEADING_LINES: u16 = 2;

/// Draws the whole screen.
pub fn draw(frame: &mut Frame<'_>, state: &State) {
    let area = frame.area();
    let mut page = Page {
        buffer: frame.buffer_mut(),
        area,
        colour: state.colour,
    };
    header(&mut page, state);
    let end = area.height.saturating_sub(FOOTER_LINES);
    let body = HEADER_LINES.min(end)..end;
    match &state.mode {
        Mode::Confirming { id, typed } => {
            if let Some(row) = state.rows.iter().find(|row| row.id == *id) {
                confirm(&mut page, body.start, body.end, state, row, typed);
            }
        }
        Mode::Sleeping { night } => sleeping(&mut page, body.start, body.end, state, *night),
        Mode::Listing | Mode::Countdown { .. } | Mode::Running { .. } | Mode::Done { .. } => {
            drives(&mut page, body.start, body.end, state);
        }
    }
    footer(&mut page, state);
}

/// A grid of lines that never writes outside its area.
struct Page<'a> {
    buffer: &'a mut Buffer,
    area: Rect,
    colour: bool,
}

impl Page<'_> {
    fn width(&self) -> usize {
        usize::from(self.area.width)
    }

    fn put(&mut self, y: u16, text: &str, style: Style) {
        if y < self.area.height {
            let line = fit(text, self.width());
            self.buffer
                .set_string(self.area.x, self.area.y + y, line, style);
        }
    }

    fn rule(&mut self, y: u16, title: &str) {
        if y < self.area.height {
            let title = if title.is_empty() {
                String::new()
            } else {
                format!("─ {} ", plain(title))
            };
            let rest = self.width().saturating_sub(title.chars().count());
            let line: String = title
                .chars()
                .take(self.width())
                .chain(std::iter::repeat_n('─', rest))
                .collect();
            self.buffer
                .set_string(self.area.x, self.area.y + y, line, Style::new());
        }
    }

    fn tint(&self, colour: Option<Color>) -> Style {
        match colour {
            Some(colour) if self.colour => Style::new().fg(colour),
            Some(_) | None => Style::new(),
        }
    }
}

fn header(page: &mut Page<'_>, state: &State) {
    let header = &state.header;
    let title = format!("raz {}  {}", header.version, header.machine);
    page.put(0, &title, Style::new().add_modifier(Modifier::REVERSED));
    let service = fill(
        state.says(Text::Service),
        &[state.says(header.service_text())],
    );
    page.put(1, &service, Style::new());
    page.put(
        2,
        &fill(state.says(Text::Fingerprint), &[&header.fingerprint]),
        Style::new(),
    );
    page.rule(3, "");
}

fn drives(page: &mut Page<'_>, start: u16, end: u16, state: &State) {
    let body = end.saturating_sub(start);
    let details_wanted = match state.mode {
        Mode::Listing | Mode::Confirming { .. } | Mode::Sleeping { .. } | Mode::Running { .. } => 5,
        Mode::Countdown { .. } => 2,
        Mode::Done { .. } => 9,
    };
    page.put(
        start,
        &list::heading(state),
        Style::new().add_modifier(Modifier::BOLD),
    );
    if state.rows.is_empty() {
        let text = match state.reading {
            true => Text::Reading,
            false => Text::NoDrives,
        };
        for (y, line) in (start + 1..end).zip(wrap(state.says(text), page.width())) {
            page.put(y, &line, Style::new());
        }
    }
    let count = u16::try_from(state.rows.len()).unwrap_or(u16::MAX);
    let room = body.saturating_sub(HEADING_LINES + details_wanted).max(1);
    let rows = room.min(count.max(1));
    for (y, line) in (start + 1..end).zip(list::page(state, usize::from(rows))) {
        let mut style = page.tint(line.colour);
        if line.under_cursor {
            style = style.add_modifier(Modifier::BOLD);
        }
        page.put(y, &line.text, style);
    }
    let below = start + 1 + rows;
    if below >= end {
        return;
    }
    page.rule(below, &details::heading(state));
    let room = usize::from(end - below - 1);
    let style = match state.mode {
        Mode::Countdown { .. } => Style::new().add_modifier(Modifier::REVERSED),
        Mode::Listing
        | Mode::Confirming { .. }
        | Mode::Sleeping { .. }
        | Mode::Running { .. }
        | Mode::Done { .. } => Style::new(),
    };
    let mut lines = details::lines(state, page.width());
    let from = state.details_from.min(lines.len().saturating_sub(room));
    lines.drain(..from);
    if lines.len() > room && room > 0 {
        lines.truncate(room);
        let more = state.says(Text::More);
        if let Some(last) = lines.last_mut() {
            let kept = page.width().saturating_sub(more.chars().count() + 1);
            *last = format!("{} {more}", fit(last, kept));
        }
    }
    for (y, line) in (below + 1..end).zip(lines) {
        page.put(y, &line, style);
    }
}

fn confirm(page: &mut Page<'_>, start: u16, end: u16, state: &State, row: &Row, typed: &str) {
    let all = state.chosen().count();
    let at = state.chosen().filter(|row| row.consented).count() + 1;
    let title = fill(
        state.says(Text::ConfirmTitle),
        &[&at.to_string(), &all.to_string()],
    );
    let asked = wanted(row, &state.rows);
    let characters = asked.text.chars().count().to_string();
    let question = match asked.source {
        Source::SerialTail => fill(state.says(Text::ConfirmTypeTail), &[&characters]),
        Source::SerialWhole => state.says(Text::ConfirmTypeWhole).to_owned(),
        Source::IdTail => fill(state.says(Text::ConfirmTypeId), &[&characters]),
    };
    let serial = row
        .serial
        .as_deref()
        .unwrap_or(state.says(Text::NoSerial))
        .trim();
    let labelled = |text: Text, value: &str| format!("   {} {value}", fit(state.says(text), 12));
    let marked = |text: Text, value: &str| {
        let before = value
            .chars()
            .count()
            .saturating_sub(asked.text.chars().count());
        let marks = "^".repeat(asked.text.chars().count());
        vec![
            labelled(text, value),
            format!("{}{}{marks}", " ".repeat(16), " ".repeat(before)),
        ]
    };
    let mut lines = vec![
        title,
        String::new(),
        state.says(Text::ConfirmWarning).to_owned(),
        labelled(
            Text::HeadModel,
            row.model.as_deref().unwrap_or(state.says(Text::NoModel)),
        ),
        labelled(Text::HeadSize, &size(state.language, row.capacity_bytes)),
        labelled(Text::Path, &row.path),
    ];
    match asked.source {
        Source::SerialTail | Source::SerialWhole => {
            lines.push(labelled(Text::Id, &row.id));
            lines.extend(marked(Text::HeadSerial, serial));
        }
        Source::IdTail => {
            lines.push(labelled(Text::HeadSerial, serial));
            lines.extend(marked(Text::Id, &row.id));
        }
    }
    if let Plan::Erase { text } = &row.plan {
        // The question must stay on the screen whatever the plan's length.
        let plan = wrap(
            &fill(state.says(Text::Plan), &[text]),
            page.width().saturating_sub(3),
        );
        lines.extend(plan.into_iter().take(3).map(|line| format!("   {line}")));
        let resumes = row.resumes.as_deref().unwrap_or_default();
        let resumes = wrap(resumes, page.width().saturating_sub(3));
        lines.extend(resumes.into_iter().take(2).map(|line| format!("   {line}")));
    }
    let question = [question, format!("   > {typed}_")];
    let room = usize::from(end.saturating_sub(start)).saturating_sub(question.len() + 1);
    lines.truncate(room);
    lines.push(String::new());
    for (index, (y, line)) in (start..end)
        .zip(lines.into_iter().chain(question))
        .enumerate()
    {
        let style = match index {
            0 | 2 => Style::new().add_modifier(Modifier::BOLD),
            _ => Style::new(),
        };
        page.put(y, &line, style);
    }
}

fn sleeping(page: &mut Page<'_>, start: u16, end: u16, state: &State, night: Night) {
    let lines = night::lines(state, night, page.width());
    for (index, (y, line)) in (start..end).zip(lines).enumerate() {
        let style = match index {
            0 => Style::new().add_modifier(Modifier::BOLD),
            _ => Style::new(),
        };
        page.put(y, &line, style);
    }
}

fn footer(page: &mut Page<'_>, state: &State) {
    let end = page.area.height;
    let message = state.message.as_deref().unwrap_or("");
    let lines = wrap(message, page.width());
    for (y, line) in (end.saturating_sub(3)..end.saturating_sub(1)).zip(lines) {
        page.put(y, &line, Style::new().add_modifier(Modifier::BOLD));
    }
    let keys = match state.mode {
        Mode::Listing => Text::KeysListing,
        Mode::Confirming { .. } => Text::KeysConfirming,
        Mode::Sleeping { night } => match night {
            Night::Asked { .. } => Text::KeysSleep,
            Night::Asleep => Text::KeysAsleep,
            Night::Awake { .. } => Text::KeysAwake,
        },
        Mode::Countdown { .. } => Text::KeysCountdown,
        Mode::Running { .. } => Text::KeysRunning,
        Mode::Done { .. } => Text::KeysDone,
    };
    let keys = match state.lacks_keyboard {
        true => Text::KeysMissing,
        false => keys,
    };
    page.put(
        end.saturating_sub(1),
        state.says(keys),
        Style::new().add_modifier(Modifier::REVERSED),
    );
}
