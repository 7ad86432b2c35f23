;; Keeps the contract's exports, and wants one of its imports as another type.
(module
  (import "conduit" "random" (func (param i64 i64)))
  (memory (export "memory") 1)
  (func (export "alloc") (param i32) (result i32) (i32.const 1024))
  (func (export "start") (param i32 i32) (result i32) (unreachable))
  (func (export "resume") (param i32 i32) (result i32) (unreachable)))
