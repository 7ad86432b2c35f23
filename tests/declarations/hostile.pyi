# Call tools as `await tools.upstream.tool(name=value)`; one that is declared with `args` takes one dict.
# A tool without an output schema gives `Any`: its text, parsed where it is JSON.
from typing import Any, Literal, Never, NotRequired, TypedDict

class _U:  # tools.u
    # Only by `call_tool("u.__class__", ...)`:
    # async def __class__(
    #     self, *,
    #     a: _UA = ...,
    #     b: Literal["\"\x60\\"] = "\"\x60\\",  # """ evil() """                       \""""evil()                       # evil() '''evil() ''' type: evil x # type : evil\
    # ) -> Any:
    #     """''' evil() '''                         \\'''"evil()                        # evil()
    #     '''evil()
    #     ''' type: evil
    #     x # type : evil\\\""""
    async def list(self, args: _UListArgs = ..., /) -> Any:
        """''' evil() '''                         \\'''"evil()                        # evil()
        '''evil()
        ''' type: evil
        x # type: evil\\\\\""""
    async def none(
        self, *,
        a: _UA = ...,
        b: Literal["\"\x60\\"] = "\"\x60\\",  # """ evil() """                       \""""evil()                       # evil() '''evil() ''' type: evil x # type : evil\
    ) -> Any:
        """''' evil() '''                         \\'''"evil()                        # evil()
        '''evil()
        ''' type: evil
        x # type: evil\\\\"""
    async def str(
        self, *,
        a: _UA = ...,
        b: Literal["\"\x60\\"] = "\"\x60\\",  # """ evil() """                       \""""evil()                       # evil() '''evil() ''' type: evil x # type : evil\
    ) -> _UStrResult:
        """''' evil() '''                         \\'''"evil()                        # evil()
        '''evil()
        ''' type: evil
        x # type: evil\\'''"""
    async def t(self, args: _UTArgs = ..., /) -> _UTResult:
        """''' evil() '''                         \\'''"evil()                        # evil()
        '''evil()
        ''' type: evil
        x # type: evil\\"""
    async def u(self, args: _UUArgs = ..., /) -> Any:
        """''' evil() '''                         \\'''"evil()                        # evil()
        '''evil()
        ''' type: evil
        x # type: evil\\'''\""""
    async def v(self, args: _UVArgs = ..., /) -> _UVResult:
        """''' evil() '''                         \\'''"evil()                        # evil()
        '''evil()
        ''' type: evil
        x # type: evil\\#"""
    async def w(
        self, *,
        a: _UA = ...,
        b: Literal["\"\x60\\"] = "\"\x60\\",  # """ evil() """                       \""""evil()                       # evil() '''evil() ''' type: evil x # type : evil\
    ) -> Any:
        """''' evil() '''                         \\'''"evil()                        # evil()
        '''evil()
        ''' type: evil
        x # type: evil\\'"""

_UA = TypedDict("_UA", {
    "\"\"\" evil() \"\"\" \x0d\x00\x1b\x7f\x85\xad\u034f\u061c\u115f\u17b4\u180e\u200b\u200f\u2028\u2029\u202e\u2066\u2800\u3164\ufe0f\ufeff\uffa0\U0001d173\U000e0041\\\"\"\"\"evil()\x0d\x00\x1b\x7f\x85\xad\u034f\u061c\u115f\u17b4\u180e\u200b\u200f\u2028\u2029\u202e\u2066\u2800\u3164\ufe0f\ufeff\uffa0\U0001d173\U000e0041# evil()\n'''evil()\n\x60\x60\x60 type: evil\nx # type: evil\\": NotRequired[Any],
    "z": NotRequired[Any],  # """ evil() """                       \""""evil()                       # evil() '''evil() ''' type: evil x # type : evil\
    # Others: Literal["\"\"\" evil() \"\"\" \x0d\x00\x1b\x7f\x85\xad\u034f\u061c\u115f\u17b4\u180e\u200b\u200f\u2028\u2029\u202e\u2066\u2800\u3164\ufe0f\ufeff\uffa0\U0001d173\U000e0041\\\"\"\"\"evil()\x0d\x00\x1b\x7f\x85\xad\u034f\u061c\u115f\u17b4\u180e\u200b\u200f\u2028\u2029\u202e\u2066\u2800\u3164\ufe0f\ufeff...
})

_UListArgs = TypedDict("_UListArgs", {
    "\"\"\" evil() \"\"\" \x0d\x00\x1b\x7f\x85\xad\u034f\u061c\u115f\u17b4\u180e\u200b\u200f\u2028\u2029\u202e\u2066\u2800\u3164\ufe0f\ufeff\uffa0\U0001d173\U000e0041\\\"\"\"\"evil()\x0d\x00\x1b\x7f\x85\xad\u034f\u061c\u115f\u17b4\u180e\u200b\u200f\u2028\u2029\u202e\u2066\u2800\u3164\ufe0f\ufeff\uffa0\U0001d173\U000e0041# evil()\n'''evil()\n\x60\x60\x60 type: evil\nx # type: evil\\": NotRequired[Literal["\"\"\" evil() \"\"\" \x0d\x00\x1b\x7f\x85\xad\u034f\u061c\u115f\u17b4\u180e\u200b\u200f\u2028\u2029\u202e\u2066\u2800\u3164\ufe0f\ufeff\uffa0\U0001d173\U000e0041\\\"\"\"\"evil()\x0d\x00\x1b\x7f\x85\xad\u034f\u061c\u115f\u17b4\u180e\u200b\u200f\u2028\u2029\u202e\u2066\u2800\u3164\ufe0f\ufeff\uffa0\U0001d173\U000e0041# evil()\n'''evil()\n\x60\x60\x60 type: evil\nx # type: evil\\", "\\", "\""]],  # """ evil() """                       \""""evil()                       # evil() '''evil() ''' type: evil x # type : evil\ @format """ evil() """                         \""""evil()                        # evil... @default "\"\"\" evil() \"\"\" \r\u0000\u001b                     \\\"\"\"\"evil()\r\u000... @pattern """ evil() """                         \""""evil()                        # evil...
    "x\"): evil() #": NotRequired[_UEvil],
    "y": NotRequired[_UA],
})

class _UEvil(TypedDict, total=False):  # """ evil() """                       \""""evil()                       # evil() '''evil() ''' type: evil x # type : evil\
    a: _UEvil

_UStrResult = TypedDict("_UStrResult", {
    "\"\"\" evil() \"\"\" \x0d\x00\x1b\x7f\x85\xad\u034f\u061c\u115f\u17b4\u180e\u200b\u200f\u2028\u2029\u202e\u2066\u2800\u3164\ufe0f\ufeff\uffa0\U0001d173\U000e0041\\\"\"\"\"evil()\x0d\x00\x1b\x7f\x85\xad\u034f\u061c\u115f\u17b4\u180e\u200b\u200f\u2028\u2029\u202e\u2066\u2800\u3164\ufe0f\ufeff\uffa0\U0001d173\U000e0041# evil()\n'''evil()\n\x60\x60\x60 type: evil\nx # type: evil\\": NotRequired[Literal["\"\"\" evil() \"\"\" \x0d\x00\x1b\x7f\x85\xad\u034f\u061c\u115f\u17b4\u180e\u200b\u200f\u2028\u2029\u202e\u2066\u2800\u3164\ufe0f\ufeff\uffa0\U0001d173\U000e0041\\\"\"\"\"evil()\x0d\x00\x1b\x7f\x85\xad\u034f\u061c\u115f\u17b4\u180e\u200b\u200f\u2028\u2029\u202e\u2066\u2800\u3164\ufe0f\ufeff\uffa0\U0001d173\U000e0041# evil()\n'''evil()\n\x60\x60\x60 type: evil\nx # type: evil\\", "\\", "\""]],  # """ evil() """                       \""""evil()                       # evil() '''evil() ''' type: evil x # type : evil\ @format """ evil() """                         \""""evil()                        # evil... @default "\"\"\" evil() \"\"\" \r\u0000\u001b                     \\\"\"\"\"evil()\r\u000... @pattern """ evil() """                         \""""evil()                        # evil...
    "x\"): evil() #": NotRequired[_UEvil2],
    "y": NotRequired[_UA],
})

class _UEvil2(TypedDict, total=False):  # """ evil() """                       \""""evil()                       # evil() '''evil() ''' type: evil x # type : evil\
    a: _UEvil2

_UTArgs = TypedDict("_UTArgs", {
    "\"\"\" evil() \"\"\" \x0d\x00\x1b\x7f\x85\xad\u034f\u061c\u115f\u17b4\u180e\u200b\u200f\u2028\u2029\u202e\u2066\u2800\u3164\ufe0f\ufeff\uffa0\U0001d173\U000e0041\\\"\"\"\"evil()\x0d\x00\x1b\x7f\x85\xad\u034f\u061c\u115f\u17b4\u180e\u200b\u200f\u2028\u2029\u202e\u2066\u2800\u3164\ufe0f\ufeff\uffa0\U0001d173\U000e0041# evil()\n'''evil()\n\x60\x60\x60 type: evil\nx # type: evil\\": NotRequired[Literal["\"\"\" evil() \"\"\" \x0d\x00\x1b\x7f\x85\xad\u034f\u061c\u115f\u17b4\u180e\u200b\u200f\u2028\u2029\u202e\u2066\u2800\u3164\ufe0f\ufeff\uffa0\U0001d173\U000e0041\\\"\"\"\"evil()\x0d\x00\x1b\x7f\x85\xad\u034f\u061c\u115f\u17b4\u180e\u200b\u200f\u2028\u2029\u202e\u2066\u2800\u3164\ufe0f\ufeff\uffa0\U0001d173\U000e0041# evil()\n'''evil()\n\x60\x60\x60 type: evil\nx # type: evil\\", "\\", "\""]],  # """ evil() """                       \""""evil()                       # evil() '''evil() ''' type: evil x # type : evil\ @format """ evil() """                         \""""evil()                        # evil... @default "\"\"\" evil() \"\"\" \r\u0000\u001b                     \\\"\"\"\"evil()\r\u000... @pattern """ evil() """                         \""""evil()                        # evil...
    "x\"): evil() #": NotRequired[_UEvil3],
    "y": NotRequired[_UA],
})

class _UEvil3(TypedDict, total=False):  # """ evil() """                       \""""evil()                       # evil() '''evil() ''' type: evil x # type : evil\
    a: _UEvil3

_UTResult = TypedDict("_UTResult", {
    "\"\"\" evil() \"\"\" \x0d\x00\x1b\x7f\x85\xad\u034f\u061c\u115f\u17b4\u180e\u200b\u200f\u2028\u2029\u202e\u2066\u2800\u3164\ufe0f\ufeff\uffa0\U0001d173\U000e0041\\\"\"\"\"evil()\x0d\x00\x1b\x7f\x85\xad\u034f\u061c\u115f\u17b4\u180e\u200b\u200f\u2028\u2029\u202e\u2066\u2800\u3164\ufe0f\ufeff\uffa0\U0001d173\U000e0041# evil()\n'''evil()\n\x60\x60\x60 type: evil\nx # type: evil\\": NotRequired[Literal["\"\"\" evil() \"\"\" \x0d\x00\x1b\x7f\x85\xad\u034f\u061c\u115f\u17b4\u180e\u200b\u200f\u2028\u2029\u202e\u2066\u2800\u3164\ufe0f\ufeff\uffa0\U0001d173\U000e0041\\\"\"\"\"evil()\x0d\x00\x1b\x7f\x85\xad\u034f\u061c\u115f\u17b4\u180e\u200b\u200f\u2028\u2029\u202e\u2066\u2800\u3164\ufe0f\ufeff\uffa0\U0001d173\U000e0041# evil()\n'''evil()\n\x60\x60\x60 type: evil\nx # type: evil\\", "\\", "\""]],  # """ evil() """                       \""""evil()                       # evil() '''evil() ''' type: evil x # type : evil\ @format """ evil() """                         \""""evil()                        # evil... @default "\"\"\" evil() \"\"\" \r\u0000\u001b                     \\\"\"\"\"evil()\r\u000... @pattern """ evil() """                         \""""evil()                        # evil...
    "x\"): evil() #": NotRequired[_UEvil4],
    "y": NotRequired[_UA],
})

class _UEvil4(TypedDict, total=False):  # """ evil() """                       \""""evil()                       # evil() '''evil() ''' type: evil x # type : evil\
    a: _UEvil4

_UUArgs = TypedDict("_UUArgs", {
    "\"\"\" evil() \"\"\" \x0d\x00\x1b\x7f\x85\xad\u034f\u061c\u115f\u17b4\u180e\u200b\u200f\u2028\u2029\u202e\u2066\u2800\u3164\ufe0f\ufeff\uffa0\U0001d173\U000e0041\\\"\"\"\"evil()\x0d\x00\x1b\x7f\x85\xad\u034f\u061c\u115f\u17b4\u180e\u200b\u200f\u2028\u2029\u202e\u2066\u2800\u3164\ufe0f\ufeff\uffa0\U0001d173\U000e0041# evil()\n'''evil()\n\x60\x60\x60 type: evil\nx # type: evil\\": NotRequired[Literal["\"\"\" evil() \"\"\" \x0d\x00\x1b\x7f\x85\xad\u034f\u061c\u115f\u17b4\u180e\u200b\u200f\u2028\u2029\u202e\u2066\u2800\u3164\ufe0f\ufeff\uffa0\U0001d173\U000e0041\\\"\"\"\"evil()\x0d\x00\x1b\x7f\x85\xad\u034f\u061c\u115f\u17b4\u180e\u200b\u200f\u2028\u2029\u202e\u2066\u2800\u3164\ufe0f\ufeff\uffa0\U0001d173\U000e0041# evil()\n'''evil()\n\x60\x60\x60 type: evil\nx # type: evil\\", "\\", "\""]],  # """ evil() """                       \""""evil()                       # evil() '''evil() ''' type: evil x # type : evil\ @format """ evil() """                         \""""evil()                        # evil... @default "\"\"\" evil() \"\"\" \r\u0000\u001b                     \\\"\"\"\"evil()\r\u000... @pattern """ evil() """                         \""""evil()                        # evil...
    "x\"): evil() #": NotRequired[_UEvil5],
    "y": NotRequired[_UA],
})

class _UEvil5(TypedDict, total=False):  # """ evil() """                       \""""evil()                       # evil() '''evil() ''' type: evil x # type : evil\
    a: _UEvil5

_UVArgs = TypedDict("_UVArgs", {
    "\"\"\" evil() \"\"\" \x0d\x00\x1b\x7f\x85\xad\u034f\u061c\u115f\u17b4\u180e\u200b\u200f\u2028\u2029\u202e\u2066\u2800\u3164\ufe0f\ufeff\uffa0\U0001d173\U000e0041\\\"\"\"\"evil()\x0d\x00\x1b\x7f\x85\xad\u034f\u061c\u115f\u17b4\u180e\u200b\u200f\u2028\u2029\u202e\u2066\u2800\u3164\ufe0f\ufeff\uffa0\U0001d173\U000e0041# evil()\n'''evil()\n\x60\x60\x60 type: evil\nx # type: evil\\": NotRequired[Literal["\"\"\" evil() \"\"\" \x0d\x00\x1b\x7f\x85\xad\u034f\u061c\u115f\u17b4\u180e\u200b\u200f\u2028\u2029\u202e\u2066\u2800\u3164\ufe0f\ufeff\uffa0\U0001d173\U000e0041\\\"\"\"\"evil()\x0d\x00\x1b\x7f\x85\xad\u034f\u061c\u115f\u17b4\u180e\u200b\u200f\u2028\u2029\u202e\u2066\u2800\u3164\ufe0f\ufeff\uffa0\U0001d173\U000e0041# evil()\n'''evil()\n\x60\x60\x60 type: evil\nx # type: evil\\", "\\", "\""]],  # """ evil() """                       \""""evil()                       # evil() '''evil() ''' type: evil x # type : evil\ @format """ evil() """                         \""""evil()                        # evil... @default "\"\"\" evil() \"\"\" \r\u0000\u001b                     \\\"\"\"\"evil()\r\u000... @pattern """ evil() """                         \""""evil()                        # evil...
    "x\"): evil() #": NotRequired[_UEvil6],
    "y": NotRequired[_UA],
})

class _UEvil6(TypedDict, total=False):  # """ evil() """                       \""""evil()                       # evil() '''evil() ''' type: evil x # type : evil\
    a: _UEvil6

_UVResult = TypedDict("_UVResult", {
    "\"\"\" evil() \"\"\" \x0d\x00\x1b\x7f\x85\xad\u034f\u061c\u115f\u17b4\u180e\u200b\u200f\u2028\u2029\u202e\u2066\u2800\u3164\ufe0f\ufeff\uffa0\U0001d173\U000e0041\\\"\"\"\"evil()\x0d\x00\x1b\x7f\x85\xad\u034f\u061c\u115f\u17b4\u180e\u200b\u200f\u2028\u2029\u202e\u2066\u2800\u3164\ufe0f\ufeff\uffa0\U0001d173\U000e0041# evil()\n'''evil()\n\x60\x60\x60 type: evil\nx # type: evil\\": NotRequired[Literal["\"\"\" evil() \"\"\" \x0d\x00\x1b\x7f\x85\xad\u034f\u061c\u115f\u17b4\u180e\u200b\u200f\u2028\u2029\u202e\u2066\u2800\u3164\ufe0f\ufeff\uffa0\U0001d173\U000e0041\\\"\"\"\"evil()\x0d\x00\x1b\x7f\x85\xad\u034f\u061c\u115f\u17b4\u180e\u200b\u200f\u2028\u2029\u202e\u2066\u2800\u3164\ufe0f\ufeff\uffa0\U0001d173\U000e0041# evil()\n'''evil()\n\x60\x60\x60 type: evil\nx # type: evil\\", "\\", "\""]],  # """ evil() """                       \""""evil()                       # evil() '''evil() ''' type: evil x # type : evil\ @format """ evil() """                         \""""evil()                        # evil... @default "\"\"\" evil() \"\"\" \r\u0000\u001b                     \\\"\"\"\"evil()\r\u000... @pattern """ evil() """                         \""""evil()                        # evil...
    "x\"): evil() #": NotRequired[_UEvil7],
    "y": NotRequired[_UA],
})

class _UEvil7(TypedDict, total=False):  # """ evil() """                       \""""evil()                       # evil() '''evil() ''' type: evil x # type : evil\
    a: _UEvil7

class _Up0:  # tools.up_0
    async def tool_0(self, **others: Any) -> Any: ...
    async def tool_12(self, args: float | None, /) -> Any: ...
    async def tool_15(self, args: bool, /) -> Any: ...
    async def tool_18(self, args: list[list[str] | None], /) -> dict[str, Any]: ...
    async def tool_21(self, args: list[Any], /) -> Any: ...
    async def tool_24(self, **others: Any) -> _Up0Tool24Result: ...
    async def tool_27(self, args: Literal[1, False] | None, /) -> Any: ...
    async def tool_3(self, args: _Up0Tool3Args, /) -> Any: ...
    async def tool_30(self, *, constructor: Any) -> list[Any] | None: ...
    async def tool_33(self, args: float, /) -> Any: ...
    async def tool_36(self, args: int | bool, /) -> dict[str, Any]: ...
    async def tool_39(self, args: None, /) -> Any: ...
    async def tool_42(self, args: float, /) -> dict[str, Any]: ...
    async def tool_45(self, args: _Up0Tool45Args = ..., /) -> Any: ...
    async def tool_48(self, **others: Any) -> _Up0Tool48Result: ...
    async def tool_51(self, args: _Up0Tool51Args = ..., /) -> Any: ...
    async def tool_54(self, args: list[Literal["x\", {}); evil(); (\""]], /) -> Any: ...
    async def tool_57(self, args: int | list[Any], /) -> Any: ...
    async def tool_6(self, *, constructor: Any) -> Any: ...
    async def tool_60(self, **others: Any) -> float: ...
    async def tool_63(self, **others: Any) -> Any: ...
    async def tool_66(self, **others: Any) -> Never: ...
    async def tool_69(self, **others: Any) -> Any: ...
    async def tool_72(self, **others: Any) -> _Up0Tool72Result: ...
    async def tool_75(self, args: Never, /) -> Any: ...
    async def tool_78(self, **others: Any) -> Any: ...
    async def tool_81(self, args: dict[str, Any] | Literal[True] = ..., /) -> Any: ...
    async def tool_84(self, **others: Any) -> list[Never] | dict[str, Any]: ...
    async def tool_87(self, **others: Any) -> Any: ...
    async def tool_9(self, **others: Any) -> Any: ...
    async def tool_90(self, args: str, /) -> Any: ...
    async def tool_93(self, args: _Up0Tool93Args = ..., /) -> Any: ...

_Up0Tool24Result = TypedDict("_Up0Tool24Result", {
    "constructor": NotRequired[Any],  # @maxProperties 0
    "d e": NotRequired[str | dict[str, Any]],
})

_Up0Tool3Args = TypedDict("_Up0Tool3Args", {
    "get-it": Any,
    # Others: float
})

_Up0Tool45Args = TypedDict("_Up0Tool45Args", {
    "get-it": NotRequired[Any],
})

class _Up0Proto(TypedDict, total=False):
    a: Any
    kind: Any

class _Up0GetIt(TypedDict, total=False):
    constructor: Any

_Up0Tool48Result = TypedDict("_Up0Tool48Result", {
    "__proto__": NotRequired[_Up0Proto],  # @minimum 1
    "get-it": NotRequired[_Up0GetIt],
    "kind": NotRequired[Any],
})

_Up0Tool51Args = TypedDict("_Up0Tool51Args", {
    "__proto__": NotRequired[list[Any]],
})

class _Up0GetIt2(TypedDict):
    constructor: Any

_Up0Tool72Result = TypedDict("_Up0Tool72Result", {
    "b": NotRequired[dict[str, Any]],
    "constructor": NotRequired[list[str]],
    "get-it": NotRequired[_Up0GetIt2],
})

_Up0GetIt3 = TypedDict("_Up0GetIt3", {
    "__proto__": NotRequired[Any],
    "a": NotRequired[Never],
})

_Up0Tool93Args = TypedDict("_Up0Tool93Args", {
    "a": NotRequired[Literal[False]],
    "constructor": NotRequired[float],
    "get-it": NotRequired[_Up0GetIt3],  # @maxItems 0
})

class _Up1:  # tools.up_1
    async def tool_1(self, args: list[Any], /) -> Any: ...
    async def tool_10(self, *, constructor: list[Any] = ...) -> Literal[-1]: ...
    async def tool_13(self, **others: Any) -> Any: ...
    async def tool_16(self, **others: Any) -> Any: ...
    async def tool_19(self, args: float | None, /) -> Any: ...
    async def tool_22(self, **others: Any) -> Any: ...
    async def tool_25(self, args: Never, /) -> Any: ...
    async def tool_28(self, args: _Up0GetIt2 | float, /) -> Never: ...
    async def tool_31(self, args: list[list[Any] | dict[str, None]], /) -> Any: ...
    async def tool_34(self, *, a: int | None = ...) -> dict[str, Any]: ...
    async def tool_37(self, args: Literal[-1] | float, /) -> Any: ...
    async def tool_4(self, **others: Any) -> float: ...
    async def tool_40(self, **others: Any) -> dict[str, Any]: ...
    async def tool_43(self, args: list[Any], /) -> Any: ...
    async def tool_46(self, args: str | None, /) -> Any: ...
    async def tool_49(self, args: Never, /) -> Any: ...
    async def tool_52(self, **others: Any) -> _Up1Tool52Result: ...
    async def tool_55(self, args: list[_Up1Tool55Args], /) -> Any: ...
    async def tool_58(self, args: list[Any], /) -> _Up1Tool58Result: ...
    async def tool_61(self, **others: Any) -> Any: ...
    async def tool_64(self, **others: Any) -> _Up1Tool64Result: ...
    async def tool_67(self, **others: Any) -> Any: ...
    async def tool_7(self, **others: Any) -> Any: ...
    async def tool_70(self, args: Literal[True], /) -> list[Any]: ...
    async def tool_73(self, args: str | None, /) -> Any: ...
    async def tool_76(self, args: float, /) -> _Up1Tool76Result: ...
    async def tool_79(self, **others: _Up1Others | Literal[-9223372036854775808] | float) -> Any: ...
    async def tool_82(self, args: str | bool, /) -> Literal[2]: ...
    async def tool_85(self, args: _Up1Tool85Args = ..., /) -> Any: ...
    async def tool_88(self, **others: Any) -> Literal[-1]: ...
    async def tool_91(self, args: list[Any], /) -> Any: ...
    async def tool_94(self, **others: Any) -> Any: ...

_Up1DE = TypedDict("_Up1DE", {
    "class": NotRequired[str],
    "constructor": NotRequired[Never],
    "d e": NotRequired[dict[str, Any]],
})

_Up1Tool52Result = TypedDict("_Up1Tool52Result", {
    "__proto__": NotRequired[Any],
    "a": NotRequired[int],
    "d e": NotRequired[_Up1DE],
})

_Up1Tool55Args = TypedDict("_Up1Tool55Args", {
    "__proto__": NotRequired[Literal[3, 0]],
    "constructor": NotRequired[list[str]],
})

class _Up1Tool58Result(TypedDict, total=False):
    a: float  # @maxItems 2
    b: float

class _Up1Tool64Result(TypedDict):
    a: Any
    # Others: dict[str, Any]

_Up1Tool76Result = TypedDict("_Up1Tool76Result", {
    "__proto__": NotRequired[list[Any]],  # @pattern b$
    "a": NotRequired[Any],  # @pattern ^x
})

_Up1Others = TypedDict("_Up1Others", {
    "__proto__": Any,
    "b": NotRequired[Never],
    "get-it": NotRequired[Any],
})

_Up1Tool85Args = TypedDict("_Up1Tool85Args", {
    "b": NotRequired[Literal[False] | None],
    "d e": NotRequired[float],
    "kind": NotRequired[_Up0GetIt2],  # @pattern ^(?:ab)*$
})

class _Up2:  # tools.up_2
    async def tool_11(self, **others: Any) -> Any: ...
    async def tool_14(self, args: list[Any], /) -> str: ...
    async def tool_17(self, args: Never, /) -> Any: ...
    async def tool_2(self, **others: Any) -> int: ...
    async def tool_20(self, args: Never, /) -> int: ...
    async def tool_23(self, args: None, /) -> Any: ...
    async def tool_26(self, args: list[Any], /) -> Literal[False]: ...
    async def tool_29(self, args: Never, /) -> Any: ...
    async def tool_32(self, **others: Any) -> list[Any]: ...
    async def tool_35(self) -> Any: ...
    async def tool_38(self, args: Literal[0], /) -> list[Any]: ...
    async def tool_41(self, args: float, /) -> Any: ...
    async def tool_44(self, args: float | list[Any], /) -> dict[str, int | list[Any]]: ...
    async def tool_47(self, args: Never, /) -> Any: ...
    async def tool_5(self, args: _Up2Tool5Args = ..., /) -> Any: ...
    async def tool_50(self, *, a: Any) -> _Up2Tool50Result: ...
    async def tool_53(self, *, a: Any, **others: str) -> Any: ...
    async def tool_56(self, **others: Any) -> dict[str, _Up2Tool56Result]: ...
    async def tool_59(self, args: list[Never], /) -> Any: ...
    async def tool_62(self, args: list[Any], /) -> bool: ...
    async def tool_65(self, args: str, /) -> Any: ...
    async def tool_68(self, *, constructor: _Up2Constructor = ...) -> int | None: ...
    async def tool_71(self, *, constructor: Any) -> Any: ...
    async def tool_74(self, args: float, /) -> _Up2Tool74Result: ...
    async def tool_77(self, **others: Any) -> Any: ...
    async def tool_8(self, **others: Any) -> dict[str, Any]: ...
    async def tool_80(self, **others: Any) -> Any: ...
    async def tool_83(self, **others: Any) -> Any: ...
    async def tool_86(self, args: Literal[3], /) -> dict[str, Any]: ...
    async def tool_89(self, args: _Up2Tool89Args, /) -> Any: ...
    async def tool_92(self, args: Literal["\"\\\n\x00"], /) -> _Up2Tool92Result: ...
    async def tool_95(self, args: str, /) -> Any: ...

_Up2Tool5Args = TypedDict("_Up2Tool5Args", {
    "__proto__": NotRequired[Never],
})

class _Up2Tool50Result(TypedDict):
    kind: Any
    # Others: str

class _Up2Tool56Result(TypedDict):
    kind: Any

_Up2Constructor = TypedDict("_Up2Constructor", {
    "class": NotRequired[Never],
    "d e": NotRequired[Any],
})

_Up2Tool74Result = TypedDict("_Up2Tool74Result", {
    "class": NotRequired[Any],
    "get-it": NotRequired[Any],
})

_Up2Tool89Args = TypedDict("_Up2Tool89Args", {
    "class": Any,
})

_Up2Tool92Result = TypedDict("_Up2Tool92Result", {
    "constructor": NotRequired[Literal[False]],
    "d e": NotRequired[Never],
})

class _Tools:
    u: _U
    up_0: _Up0
    up_1: _Up1
    up_2: _Up2

tools: _Tools
input: Any  # What the caller gave to this run

class ToolError(Exception):
    """Raised when a call fails or is refused."""
    message: str  # What went wrong
    code: str  # Why, such as `tool_failed`, `tool_not_found` or `invalid_arguments`
    tool: str  # The tool by its full name, or as the program wrote it when there is none
    content: Any  # The tool's own content blocks, when it ran and reported an error

class _Found(TypedDict):
    name: str
    description: str | None

async def call_tool(name: str, args: dict[str, Any] | None = None, /, *, full: bool = False, **kwargs: Any) -> Any:
    """Calls a tool by its full name, `upstream.tool`. With `full`, gives the whole MCP result."""
async def search_tools(query: str, /) -> list[_Found]:
    """The tools that fit a question best, best first."""
async def describe_tool(name: str, /) -> dict[str, Any]:
    """One tool: `name`, `description`, its schemas, and its `declaration`."""
async def list_tools() -> list[_Found]:
    """All tools."""
