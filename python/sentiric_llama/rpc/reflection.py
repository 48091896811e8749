# SPDX-License-Identifier: AGPL-3.0-only
"""grpc.reflection.v1 and v1alpha: what services there are, for grpcurl and other tools.

grpcio-reflection knows v1alpha only. The messages of both have the same fields, so v1 is served by
the same servicer under its own name, and described by the same file with that name in it.
"""

from __future__ import annotations

from collections.abc import Iterable

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool
from grpc_reflection.v1alpha import reflection, reflection_pb2

_PACKAGE = "grpc.reflection.v1"
SERVICES = (f"{_PACKAGE}.ServerReflection", reflection.SERVICE_NAME)
_METHOD = "ServerReflectionInfo"


def reflection_handlers(names: Iterable[str]) -> list[grpc.GenericRpcHandler]:
    """The handlers of both versions, which list the services `names`."""
    _describe_v1()
    servicer = reflection.aio.ReflectionServicer(names)
    handler = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    return [grpc.method_handlers_generic_handler(name, {_METHOD: handler}) for name in SERVICES]


def _describe_v1() -> None:
    """Adds the description of v1 to the pool that the servicer reads. Idempotent."""
    file = descriptor_pb2.FileDescriptorProto()
    reflection_pb2.DESCRIPTOR.CopyToProto(file)
    before, after = f".{file.package}.", f".{_PACKAGE}."
    file.name, file.package = "grpc/reflection/v1/reflection.proto", _PACKAGE
    for message in file.message_type:
        for field in message.field:
            if field.type_name:
                field.type_name = field.type_name.replace(before, after)
    for service in file.service:
        for method in service.method:
            method.input_type = method.input_type.replace(before, after)
            method.output_type = method.output_type.replace(before, after)
    descriptor_pool.Default().AddSerializedFile(file.SerializeToString())
