//! Python's pickle, as far as PyTorch's state dicts need it.
//!
//! A pickle is a program for a small stack machine that can call any Python function. This machine knows the handful of
//! functions that rebuild tensors and calls nothing: it notes which storage, offset, shape and strides a tensor has. A
//! pickle that wants anything else is refused by name. All containers lie in flat lists and are referred to by index,
//! so that no nesting, however deep, costs stack, and memory is bounded by the pickle's length.

use std::collections::BTreeMap;

use super::objects::{Function, Pickle, SAVE_AGAIN, Storage, Tensor, Value, function};

/// PyTorch's tensors have at most 64 dimensions; a parameter has at most this many.
const MOST_DIMENSIONS: usize = 8;

/// Runs the pickle at the start of `bytes`; also says how many bytes it took.
pub(super) fn unpickle(bytes: &[u8]) -> Result<(Pickle, Value, usize), String> {
    let mut machine = Machine {
        bytes,
        copies: bytes.len(),
        ..Machine::default()
    };
    let root = machine.run()?;
    Ok((machine.made, root, machine.at))
}

#[derive(Default)]
struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    stack: Vec<Value>,
    marks: Vec<usize>,
    memo: BTreeMap<usize, Value>,
    /// How many more dict entries may be copied.
    copies: usize,
    made: Pickle,
}

impl<'a> Machine<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let end = self
            .at
            .checked_add(count)
            .filter(|&end| end <= self.bytes.len());
        let end = end
            .ok_or("its pickle ends too early; the file is cut short, download or copy it again")?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    /// A little-endian number of `N` bytes.
    fn number<const N: usize>(&mut self) -> Result<usize, String> {
        let mut value = [0; 8];
        value[..N].copy_from_slice(self.take(N)?);
        usize::try_from(u64::from_le_bytes(value)).map_err(|e| e.to_string())
    }

    fn line(&mut self) -> Result<&'a str, String> {
        let rest = &self.bytes[self.at..];
        let length = rest
            .iter()
            .position(|&b| b == b'\n')
            .ok_or("its pickle has a line without an end")?;
        self.at += length + 1;
        std::str::from_utf8(&rest[..length]).map_err(|e| e.to_string())
    }

    fn text(&mut self, length: usize) -> Result<(), String> {
        let text = String::from_utf8_lossy(self.take(length)?);
        self.stack.push(Value::Text(text.into()));
        Ok(())
    }

    fn skip(&mut self, length: usize) -> Result<(), String> {
        self.take(length)?;
        self.stack.push(Value::Other);
        Ok(())
    }

    /// Takes from the stack, but not below the innermost mark.
    fn pop(&mut self) -> Result<Value, String> {
        let floor = self.marks.last().copied().unwrap_or(0);
        if self.stack.len() <= floor {
            return Err("its pickle takes from an empty stack; the file is damaged".into());
        }
        self.stack
            .pop()
            .ok_or_else(|| "its pickle takes from an empty stack".into())
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Value>, String> {
        let mark = self
            .marks
            .pop()
            .ok_or("its pickle has no mark where one is needed; the file is damaged")?;
        Ok(self.stack.split_off(mark.min(self.stack.len())))
    }

    fn tuple(&mut self, count: usize) -> Result<(), String> {
        let mut items = (0..count)
            .map(|_| self.pop())
            .collect::<Result<Vec<_>, _>>()?;
        items.reverse();
        let tuple = self.made.new_sequence(items);
        self.stack.push(tuple);
        Ok(())
    }

    fn remember(&mut self, place: usize) -> Result<(), String> {
        let top = self
            .stack
            .last()
            .ok_or("its pickle remembers from an empty stack; the file is damaged")?;
        self.memo.insert(place, top.clone());
        Ok(())
    }

    fn recall(&mut self, place: usize) -> Result<(), String> {
        let value = self
            .memo
            .get(&place)
            .ok_or("its pickle recalls what it did not remember; the file is damaged")?;
        self.stack.push(value.clone());
        Ok(())
    }

    fn run(&mut self) -> Result<Value, String> {
        loop {
            let opcode = self.take(1)?[0];
            match opcode {
                0x80 => drop(self.take(1)?),                 // PROTO
                0x95 => drop(self.take(8)?),                 // FRAME
                b'.' => return self.pop(),                   // STOP
                b'(' => self.marks.push(self.stack.len()),   // MARK
                b'0' => drop(self.pop()?),                   // POP
                b'1' => drop(self.pop_to_mark()?),           // POP_MARK
                b'N' => self.stack.push(Value::Other),       // NONE
                0x88 => self.stack.push(Value::Bool(true)),  // NEWTRUE
                0x89 => self.stack.push(Value::Bool(false)), // NEWFALSE
                b'K' => self.integer(1)?,                    // BININT1
                b'M' => self.integer(2)?,                    // BININT2
                b'J' => {
                    let value = self.number::<4>()? as u32; // BININT
                    self.stack.push(Value::Int(i64::from(value.cast_signed())));
                }
                0x8a => self.long()?,  // LONG1
                b'G' => self.skip(8)?, // BINFLOAT
                b'X' => {
                    let length = self.number::<4>()?; // BINUNICODE
                    self.text(length)?;
                }
                0x8c | b'U' => {
                    let length = self.number::<1>()?; // SHORT_BINUNICODE, SHORT_BINSTRING
                    self.text(length)?;
                }
                0x8d => {
                    let length = self.number::<8>()?; // BINUNICODE8
                    self.text(length)?;
                }
                b'T' => {
                    let length = self.number::<4>()?; // BINSTRING
                    self.text(length)?;
                }
                b'C' => {
                    let length = self.number::<1>()?; // SHORT_BINBYTES
                    self.skip(length)?;
                }
                b'B' => {
                    let length = self.number::<4>()?; // BINBYTES
                    self.skip(length)?;
                }
                0x8e => {
                    let length = self.number::<8>()?; // BINBYTES8
                    self.skip(length)?;
                }
                b')' => self.tuple(0)?, // EMPTY_TUPLE
                0x85 => self.tuple(1)?, // TUPLE1
                0x86 => self.tuple(2)?, // TUPLE2
                0x87 => self.tuple(3)?, // TUPLE3
                b't' | b'l' => {
                    let items = self.pop_to_mark()?; // TUPLE, LIST
                    let tuple = self.made.new_sequence(items);
                    self.stack.push(tuple);
                }
                b']' | 0x8f => self.tuple(0)?, // EMPTY_LIST, EMPTY_SET
                b'a' => {
                    let item = self.pop()?; // APPEND
                    self.extend(vec![item])?;
                }
                b'e' | 0x90 => {
                    let items = self.pop_to_mark()?; // APPENDS, ADDITEMS
                    self.extend(items)?;
                }
                b'}' => {
                    let dict = self.made.new_dict(); // EMPTY_DICT
                    self.stack.push(Value::Dict(dict));
                }
                b's' => {
                    let value = self.pop()?; // SETITEM
                    let key = self.pop()?;
                    self.set_items(vec![key, value])?;
                }
                b'u' => {
                    let items = self.pop_to_mark()?; // SETITEMS
                    self.set_items(items)?;
                }
                b'q' => {
                    let place = self.number::<1>()?; // BINPUT
                    self.remember(place)?;
                }
                b'r' => {
                    let place = self.number::<4>()?; // LONG_BINPUT
                    self.remember(place)?;
                }
                0x94 => self.remember(self.memo.len())?, // MEMOIZE
                b'h' => {
                    let place = self.number::<1>()?; // BINGET
                    self.recall(place)?;
                }
                b'j' => {
                    let place = self.number::<4>()?; // LONG_BINGET
                    self.recall(place)?;
                }
                b'c' => {
                    let (module, name) = (self.line()?, self.line()?); // GLOBAL
                    self.stack.push(Value::Function(function(module, name)?));
                }
                0x93 => {
                    let (name, module) = (self.pop()?, self.pop()?); // STACK_GLOBAL
                    let (Value::Text(module), Value::Text(name)) = (module, name) else {
                        return Err(
                            "its pickle names a function by something else than text".into()
                        );
                    };
                    self.stack.push(Value::Function(function(&module, &name)?));
                }
                b'Q' => self.persistent()?,  // BINPERSID
                b'R' | 0x81 => self.call()?, // REDUCE, NEWOBJ
                b'b' => drop(self.pop()?),   // BUILD: attributes such as a state dict's `_metadata`
                other => {
                    return Err(format!(
                        "its pickle has an instruction {other:#04x} that no state dict needs; {SAVE_AGAIN}"
                    ));
                }
            }
        }
    }

    fn integer(&mut self, bytes: usize) -> Result<(), String> {
        let value = if bytes == 1 {
            self.number::<1>()?
        } else {
            self.number::<2>()?
        };
        self.stack.push(Value::Int(value as i64));
        Ok(())
    }

    /// An integer of any length; longer ones than 64 bits are not needed.
    fn long(&mut self) -> Result<(), String> {
        let length = self.number::<1>()?;
        let bytes = self.take(length)?;
        let sign = if bytes.last().is_some_and(|b| b & 0x80 != 0) {
            0xff
        } else {
            0
        };
        let mut value = [sign; 8];
        let fits = value
            .get_mut(..length)
            .map(|low| low.copy_from_slice(bytes))
            .is_some();
        self.stack.push(if fits {
            Value::Int(i64::from_le_bytes(value))
        } else {
            Value::Other
        });
        Ok(())
    }

    fn extend(&mut self, items: Vec<Value>) -> Result<(), String> {
        match self.stack.last() {
            Some(&Value::Sequence(list)) => self.made.sequences[list].extend(items),
            _ => {
                return Err(
                    "its pickle appends to something that is no list; the file is damaged".into(),
                );
            }
        }
        Ok(())
    }

    fn set_items(&mut self, items: Vec<Value>) -> Result<(), String> {
        let Some(&Value::Dict(dict)) = self.stack.last() else {
            return Err(
                "its pickle sets an item of something that is no dict; the file is damaged".into(),
            );
        };
        let mut items = items.into_iter();
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            self.made.dicts[dict].push((key, value));
        }
        Ok(())
    }

    /// A storage: ('storage', class, key, location, length).
    fn persistent(&mut self) -> Result<(), String> {
        let id = self.pop()?;
        let storage = match self.made.sequence(&id) {
            Some(
                [
                    Value::Text(_),
                    Value::Function(Function::Storage(kind)),
                    Value::Text(key),
                    _,
                    Value::Int(len),
                    ..,
                ],
            ) => usize::try_from(*len).ok().map(|len| Storage {
                kind: *kind,
                key: key.clone(),
                len,
            }),
            _ => None,
        };
        let storage =
            storage.ok_or_else(|| format!("it refers to data in an unknown way; {SAVE_AGAIN}"))?;
        self.made.storages.push(storage);
        self.stack
            .push(Value::Storage(self.made.storages.len() - 1));
        Ok(())
    }

    /// Calls a known function with a tuple of arguments.
    fn call(&mut self) -> Result<(), String> {
        let arguments = self.pop()?;
        let function = self.pop()?;
        let arguments = self.made.sequence(&arguments).unwrap_or_default();
        let result = match (function, arguments) {
            (Value::Function(Function::OrderedDict), []) => Value::Dict(self.made.new_dict()),
            (Value::Function(Function::OrderedDict), [pairs]) => {
                let pairs = pairs.clone();
                self.dict_of_pairs(&pairs)?
            }
            (Value::Function(Function::Size), [size]) => size.clone(),
            (Value::Function(Function::RebuildParameter), [tensor, ..]) => tensor.clone(),
            (Value::Function(Function::RebuildTensor), [storage, offset, shape, strides, ..]) => {
                let tensor = self.rebuild(storage, offset, shape, strides);
                let tensor = tensor.ok_or(
                    "a tensor's storage, shape or strides are not numbers; the file is damaged",
                )?;
                self.made.tensors.push(tensor);
                Value::Tensor(self.made.tensors.len() - 1)
            }
            _ => {
                return Err(format!(
                    "its pickle calls something in an unknown way; {SAVE_AGAIN}"
                ));
            }
        };
        self.stack.push(result);
        Ok(())
    }

    /// Python 2 wrote an OrderedDict as a list of pairs.
    fn dict_of_pairs(&mut self, pairs: &Value) -> Result<Value, String> {
        let pairs = self
            .made
            .sequence(pairs)
            .ok_or("its OrderedDict is made of no list; the file is damaged")?;
        self.copies = self
            .copies
            .checked_sub(pairs.len())
            .ok_or("its pickle copies dicts without end")?;
        let entries = pairs
            .iter()
            .map(|pair| match self.made.sequence(pair) {
                Some([key, value]) => Ok((key.clone(), value.clone())),
                _ => Err(
                    "its OrderedDict holds something else than pairs; the file is damaged"
                        .to_owned(),
                ),
            })
            .collect::<Result<_, _>>()?;
        let dict = self.made.new_dict();
        self.made.dicts[dict] = entries;
        Ok(Value::Dict(dict))
    }

    fn rebuild(
        &self,
        storage: &Value,
        offset: &Value,
        shape: &Value,
        strides: &Value,
    ) -> Option<Tensor> {
        let (Value::Storage(storage), Value::Int(offset)) = (storage, offset) else {
            return None;
        };
        let sides = |value: &Value| -> Option<Vec<usize>> {
            let sides = self
                .made
                .sequence(value)
                .filter(|sides| sides.len() <= MOST_DIMENSIONS)?;
            sides
                .iter()
                .map(|v| {
                    if let Value::Int(v) = v {
                        usize::try_from(*v).ok()
                    } else {
                        None
                    }
                })
                .collect()
        };
        let (shape, strides) = (sides(shape)?, sides(strides)?);
        let same = shape.len() == strides.len();
        let storage = self.made.storages.get(*storage)?.clone();
        same.then_some(Tensor {
            storage,
            offset: usize::try_from(*offset).ok()?,
            shape,
            strides,
        })
    }
}
