"""`@parallel`: a body that does a run of the work, shared out among Numba's threads.

    @parallel
    def _double(x, y, start, stop):
        for i in range(start, stop):
            y[i] = 2 * x[i]

    _double(x.size, threads, x, y)   # the body's arguments follow: 0 .. x.size in `threads` parts

Each thread gets one contiguous part, so for a given thread count the work is cut the same way every
time. Numba's own `prange` does this too, but takes a second to compile for each kernel; one call of
the same thread pool, written out here once, takes a tenth of that.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType

import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from tinyllm.kernels.cache import keep_on_disk


@intrinsic
def _share_out(typing_context, body, count, threads, args):
    """Call body(*args, start, stop) for `threads` contiguous parts of 0 .. count, each on its own
    thread; or once, for everything, where threads is 1."""
    call = body.get_call_type(typing_context, (*args.types, types.intp, types.intp), {})

    def generate(context, builder, signature, values):
        _, count, threads, packed = values
        integer, pointer = context.get_value_type(types.intp), ir.IntType(8).as_pointer()
        result = body.dispatcher.get_compile_result(call)
        context.active_code_library.add_linking_library(result.library)
        function = context.declare_function(builder.module, result.fndesc)

        def call_body(at, arguments):
            context.call_conv.call_function(at, function, call.return_type, call.args, arguments)

        arguments = cgutils.unpack_tuple(builder, packed, len(args.types))
        with builder.if_else(builder.icmp_signed("<=", threads, integer(1))) as (one, several):
            with one:
                call_body(builder, [*arguments, integer(0), count])
            with several:
                shared = cgutils.pack_struct(builder, [*arguments, count, threads])
                slot = cgutils.alloca_once_value(builder, shared)
                worker = _worker(builder.module, slot.type, len(arguments), call_body, integer)
                first = cgutils.alloca_once_value(builder, ir.Constant(pointer, None))
                step = cgutils.alloca_once_value(builder, integer(1))
                parts = cgutils.alloca_once_value(builder, threads)
                pool = _pool_function(builder.module, integer, pointer)
                builder.call(
                    pool,
                    [
                        builder.bitcast(worker, pointer),
                        first,
                        parts,
                        step,
                        builder.bitcast(slot, pointer),
                        integer(0),
                        integer(1),
                        builder.trunc(threads, ir.IntType(32)),
                    ],
                )
        return context.get_dummy_value()

    return types.void(body, count, threads, args), generate


def _pool_function(module, integer, pointer):
    """Numba's pool: (worker, arrays, sizes, strides, data, inner dimensions, arrays, threads).

    It calls worker(arrays, sizes, strides, data) for index 0 .. sizes[0], with arrays[0] moved on
    by strides[0] a time. Our one "array" starts at address 0 with stride 1, so it is the index.
    """
    kind = ir.FunctionType(
        ir.VoidType(),
        [pointer, pointer.as_pointer(), integer.as_pointer(), integer.as_pointer()]
        + [pointer, integer, integer, ir.IntType(32)],
    )
    return cgutils.get_or_insert_function(module, kind, "numba_parallel_for")


def _worker(module, slot_type, n_arguments, call_body, integer):
    """What one thread runs: read the shared arguments, find its part, call the body."""
    pointer = ir.IntType(8).as_pointer()
    kind = ir.FunctionType(
        ir.VoidType(),
        [pointer.as_pointer(), integer.as_pointer(), integer.as_pointer(), pointer],
    )
    worker = ir.Function(module, kind, module.get_unique_name("tinyllm_worker"))
    worker.linkage = "internal"
    builder = ir.IRBuilder(worker.append_basic_block())
    part = builder.ptrtoint(builder.load(worker.args[0]), integer)
    shared = builder.load(builder.bitcast(worker.args[3], slot_type))
    values = [builder.extract_value(shared, i) for i in range(n_arguments + 2)]
    *arguments, count, threads = values
    start = builder.sdiv(builder.mul(count, part), threads)
    stop = builder.sdiv(builder.mul(count, builder.add(part, integer(1))), threads)
    call_body(builder, [*arguments, start, stop])
    builder.ret_void()
    return worker


def _entry(count, threads, *args):
    _share_out(body, count, threads, args)  # noqa: F821 - `body` stands in each copy's globals


def parallel(function: Callable, options: dict) -> Callable:
    """Make the entry point of a body: entry(count, threads, *the body's arguments)."""
    code = _entry.__code__.replace(
        co_name=function.__name__,
        co_filename=function.__code__.co_filename,
        co_firstlineno=function.__code__.co_firstlineno,
    )
    names = {
        "_share_out": _share_out,
        "body": numba.njit(**options)(function),
        "__name__": function.__module__,
    }
    entry = FunctionType(code, names, function.__name__)
    entry.__module__ = function.__module__
    entry.__doc__ = function.__doc__
    return keep_on_disk(numba.njit(nogil=True)(entry))
