//! The screens: what they show, what keys do, and what no key can do.

mod drives;
mod keys;
mod layout;
mod shown;
