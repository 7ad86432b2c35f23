;; A guest that obeys an attacker. The first byte of the program is an operation, then numbers follow, each as eight
;; bytes '0' + nibble, the highest first. Step records lie at 64; results at 128.
(module
  (import "conduit" "submit" (func $submit (param i32 i32 i32 i32 i32) (result i64)))
  (import "conduit" "write" (func $write (param i32 i32 i32)))
  (import "conduit" "now" (func $now (result i64)))
  (import "conduit" "random" (func $random (param i32 i32)))
  (import "conduit" "sleep" (func $sleep (param i64)))
  (memory (export "memory") 8)
  (data (i32.const 128) "{\"name\":\"Error\",\"message\":\"m\",\"stack\":\"\"}")
  (data (i32.const 256) "test.echo")
  (data (i32.const 272) "{}")
  (data (i32.const 512) "{\22name\22:\22Error\22,\22message\22:\22")
  (data (i32.const 544) "\22,\22stack\22:\22\22}")
  (global $canary (mut i64) (i64.const 0))
  (global $alloc_answer (mut i32) (i32.const 1024))
  (global $wait_again (mut i32) (i32.const 0))

  (func (export "alloc") (param $length i32) (result i32) (global.get $alloc_answer))

  ;; The n-th number of the program, which begins at 1024 + 4.
  (func $number (param $n i32) (result i32)
    (local $at i32) (local $end i32) (local $value i32)
    (local.set $at (i32.add (i32.const 1029) (i32.mul (local.get $n) (i32.const 8))))
    (local.set $end (i32.add (local.get $at) (i32.const 8)))
    (loop $next
      (local.set $value (i32.or (i32.shl (local.get $value) (i32.const 4))
        (i32.sub (i32.load8_u (local.get $at)) (i32.const 48))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $at) (local.get $end))))
    (local.get $value))

  (func $step (param $tag i32) (param $address i32) (param $length i32) (param $wake i64) (result i32)
    (i32.store (i32.const 64) (local.get $tag))
    (i32.store (i32.const 68) (local.get $address))
    (i32.store (i32.const 72) (local.get $length))
    (i64.store (i32.const 80) (local.get $wake))
    (i32.const 64))

  (func $done (result i32) (i32.store8 (i32.const 120) (i32.const 49))
    (call $step (i32.const 1) (i32.const 120) (i32.const 1) (i64.const -1)))

  (func $bytes (result i32) (i32.mul (memory.size) (i32.const 65536)))

  (func $recurse (param $n i32) (result i32)
    (i32.add (call $recurse (i32.add (local.get $n) (i32.const 1))) (local.get $n)))

  (func (export "start") (param $address i32) (param $length i32) (result i32)
    (local $operation i32) (local $i i32)
    (local.set $operation (i32.load8_u (i32.const 1028)))
    ;; w: write(n0, n1, n2)
    (if (i32.eq (local.get $operation) (i32.const 0x77)) (then
      (call $write (call $number (i32.const 0)) (call $number (i32.const 1)) (call $number (i32.const 2)))
      (return (call $done))))
    ;; s: submit(n0, n1, n2, n3, n4)
    (if (i32.eq (local.get $operation) (i32.const 0x73)) (then
      (drop (call $submit (call $number (i32.const 0)) (call $number (i32.const 1)) (call $number (i32.const 2))
        (call $number (i32.const 3)) (call $number (i32.const 4))))
      (return (call $done))))
    ;; S: the same, and waits for the answer
    (if (i32.eq (local.get $operation) (i32.const 0x53)) (then
      (drop (call $submit (call $number (i32.const 0)) (call $number (i32.const 1)) (call $number (i32.const 2))
        (call $number (i32.const 3)) (call $number (i32.const 4))))
      (return (call $step (i32.const 0) (i32.const 0) (i32.const 0) (i64.const -1)))))
    ;; r: random(n0, n1)
    (if (i32.eq (local.get $operation) (i32.const 0x72)) (then
      (call $random (call $number (i32.const 0)) (call $number (i32.const 1)))
      (return (call $done))))
    ;; z: sleep(n0 seconds)
    (if (i32.eq (local.get $operation) (i32.const 0x7a)) (then
      (call $sleep (i64.mul (i64.extend_i32_u (call $number (i32.const 0))) (i64.const 1000000000)))
      (return (call $done))))
    ;; t: returns n0 as the address of its step
    (if (i32.eq (local.get $operation) (i32.const 0x74)) (then (return (call $number (i32.const 0)))))
    ;; p: a step of tag n0, address n1, length n2
    (if (i32.eq (local.get $operation) (i32.const 0x70)) (then
      (return (call $step (call $number (i32.const 0)) (call $number (i32.const 1)) (call $number (i32.const 2))
        (i64.const -1)))))
    ;; l: loops for ever
    (if (i32.eq (local.get $operation) (i32.const 0x6c)) (then (loop $ever (br $ever))))
    ;; d: recurses for ever
    (if (i32.eq (local.get $operation) (i32.const 0x64)) (then (return (call $recurse (i32.const 0)))))
    ;; u: unreachable
    (if (i32.eq (local.get $operation) (i32.const 0x75)) (then (unreachable)))
    ;; g: grows its memory by n0 pages; -1 gives a value of 1, else 0 pages more is Done
    (if (i32.eq (local.get $operation) (i32.const 0x67)) (then
      (if (i32.eq (memory.grow (call $number (i32.const 0))) (i32.const -1)) (then (unreachable)))
      (return (call $done))))
    ;; f: submits n0 calls of test.echo, then waits for them
    (if (i32.eq (local.get $operation) (i32.const 0x66)) (then
      (local.set $i (call $number (i32.const 0)))
      (loop $more
        (drop (call $submit (i32.const 0) (i32.const 256) (i32.const 9) (i32.const 272) (i32.const 2)))
        (local.set $i (i32.sub (local.get $i) (i32.const 1)))
        (br_if $more (local.get $i)))
      (return (call $step (i32.const 0) (i32.const 0) (i32.const 0) (i64.const -1)))))
    ;; a: submits one call, waits, and answers alloc with n0 from then on
    (if (i32.eq (local.get $operation) (i32.const 0x61)) (then
      (drop (call $submit (i32.const 0) (i32.const 256) (i32.const 9) (i32.const 272) (i32.const 2)))
      (global.set $alloc_answer (call $number (i32.const 0)))
      (return (call $step (i32.const 0) (i32.const 0) (i32.const 0) (i64.const -1)))))
    ;; c: submits calls of n0 bytes of arguments for ever
    (if (i32.eq (local.get $operation) (i32.const 0x63)) (then
      (loop $ever
        (drop (call $submit (i32.const 0) (i32.const 256) (i32.const 9) (i32.const 0) (call $number (i32.const 0))))
        (br $ever))))
    ;; e: fails with an error whose message has n0 bytes
    (if (i32.eq (local.get $operation) (i32.const 0x65)) (then
      (memory.copy (i32.const 4096) (i32.const 512) (i32.const 27))
      (memory.fill (i32.const 4123) (i32.const 0x78) (call $number (i32.const 0)))
      (memory.copy (i32.add (i32.const 4123) (call $number (i32.const 0))) (i32.const 544) (i32.const 13))
      (return (call $step (i32.const 2) (i32.const 4096) (i32.add (i32.const 40) (call $number (i32.const 0)))
        (i64.const -1)))))
    ;; b: submits n0 calls of test.echo, then is busy for ever
    (if (i32.eq (local.get $operation) (i32.const 0x62)) (then
      (local.set $i (call $number (i32.const 0)))
      (loop $more
        (drop (call $submit (i32.const 0) (i32.const 256) (i32.const 9) (i32.const 272) (i32.const 2)))
        (local.set $i (i32.sub (local.get $i) (i32.const 1)))
        (br_if $more (local.get $i)))
      (loop $ever (br $ever))))
    ;; m: grows by n0 pages, fills its memory from 4096 on and a global, and goes on as the operation at number 1
    (if (i32.eq (local.get $operation) (i32.const 0x6d)) (then
      (if (i32.eq (memory.grow (call $number (i32.const 0))) (i32.const -1)) (then (unreachable)))
      (memory.fill (i32.const 4096) (i32.const 0xa5) (i32.sub (call $bytes) (i32.const 4096)))
      (global.set $canary (i64.const 0xa5a5a5a5a5a5a5a5))
      (local.set $operation (i32.load8_u (i32.const 1037)))
      ;; its end: d recurses, f waits for a call, g asks for too much memory, l loops, u traps, w returns
      (if (i32.eq (local.get $operation) (i32.const 0x64)) (then (return (call $recurse (i32.const 0)))))
      (if (i32.eq (local.get $operation) (i32.const 0x66)) (then
        (drop (call $submit (i32.const 0) (i32.const 256) (i32.const 9) (i32.const 272) (i32.const 2)))
        (return (call $step (i32.const 0) (i32.const 0) (i32.const 0) (i64.const -1)))))
      (if (i32.eq (local.get $operation) (i32.const 0x67)) (then (drop (memory.grow (i32.const 1000))) (unreachable)))
      (if (i32.eq (local.get $operation) (i32.const 0x6c)) (then (loop $ever (br $ever))))
      (if (i32.eq (local.get $operation) (i32.const 0x75)) (then (unreachable)))
      (return (call $done))))
    ;; M: grows by n0 pages and traps if anything is in its memory from 4096 on, or in the global
    (if (i32.eq (local.get $operation) (i32.const 0x4d)) (then
      (if (i32.eq (memory.grow (call $number (i32.const 0))) (i32.const -1)) (then (unreachable)))
      (if (i64.ne (global.get $canary) (i64.const 0)) (then (unreachable)))
      (local.set $i (i32.const 4096))
      (loop $next
        (if (i64.ne (i64.load (local.get $i)) (i64.const 0)) (then (unreachable)))
        (local.set $i (i32.add (local.get $i) (i32.const 8)))
        (br_if $next (i32.lt_u (local.get $i) (call $bytes))))
      (return (call $done))))
    ;; n: waits for a timer that is due at once, for ever
    (if (i32.eq (local.get $operation) (i32.const 0x6e)) (then
      (global.set $wait_again (i32.const 1))
      (return (call $step (i32.const 0) (i32.const 0) (i32.const 0) (i64.const 0)))))
    (unreachable))

  (func (export "resume") (param $address i32) (param $length i32) (result i32)
    (if (global.get $wait_again) (then (return (call $step (i32.const 0) (i32.const 0) (i32.const 0) (i64.const 0)))))
    (call $done)))
