// Finds an adapter, judges it, and opens a device with the features and limits that the kernels can use. Compiles nothing.
import { openGpu } from '#platform';
import { ArgumentError, describe, DeviceError } from '../../errors.js';
import type { AdapterFacts } from '../runtime.js';
import type { DeviceLimits } from './lower/context.js';

/** What kernels and people want to know of a device. */
export interface DeviceFacts extends AdapterFacts {
  readonly limits: DeviceLimits & AdapterFacts['limits'];
}

export interface OpenedDevice {
  readonly device: GPUDevice;
  readonly facts: DeviceFacts;
  /** False for a device of the caller: it is never destroyed here. */
  readonly owned: boolean;
}

export interface OpenOptions {
  /** The caller's own device; used as it is. */
  device?: object | undefined;
  /** Whether an adapter that computes on the CPU will do. */
  software: boolean;
  /** Which of several GPUs. Default: the faster one. */
  powerPreference?: 'high-performance' | 'low-power' | undefined;
  /** `adapter` asks for all that the adapter has, `default` for what every WebGPU has. */
  limits?: 'adapter' | 'default' | undefined;
}

/** Features that kernels or profiles use. */
const wanted = ['shader-f16', 'subgroups', 'timestamp-query', 'chromium-experimental-subgroup-matrix'] as const;

/** Limits that lowerings look at: see {@link DeviceLimits}. */
const limitNames = [
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupSizeZ',
  'maxComputeWorkgroupStorageSize',
  'maxComputeWorkgroupsPerDimension',
  'maxStorageBuffersPerShaderStage',
  'maxStorageBufferBindingSize',
  'maxUniformBufferBindingSize',
  'maxBufferSize',
] as const satisfies readonly (keyof DeviceLimits)[];

/** What every WebGPU device has (WebGPU specification, 3.6.2), and every kernel can do with. */
const least: DeviceLimits = {
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
  maxComputeWorkgroupSizeY: 256,
  maxComputeWorkgroupSizeZ: 64,
  maxComputeWorkgroupStorageSize: 16_384,
  maxComputeWorkgroupsPerDimension: 65_535,
  maxStorageBuffersPerShaderStage: 8,
  maxStorageBufferBindingSize: 134_217_728,
  maxUniformBufferBindingSize: 65_536,
  maxBufferSize: 268_435_456,
};

/** Opens a device. Throws DeviceError `device-unavailable` that says what was found and what to do, or ArgumentError for a device that is none. */
export async function openDevice(options: OpenOptions): Promise<OpenedDevice> {
  if (options.device !== undefined) {
    const device = options.device as Partial<GPUDevice> | null;
    if (typeof device?.createComputePipelineAsync !== 'function') {
      throw new ArgumentError({ thing: 'gpuDevice', found: describe(device), wanted: 'a GPUDevice' });
    }
    return ownDevice(device as GPUDevice);
  }
  const access = await openGpu({ software: options.software });
  const gpu = access.gpu as GPU | undefined;
  const unavailable = (found: string, next: string | undefined, cause?: unknown): DeviceError =>
    new DeviceError('device-unavailable', { thing: 'device "webgpu"', found, wanted: 'a WebGPU adapter', next, cause });
  if (!gpu) throw unavailable(access.found, access.next);
  let adapter: GPUAdapter | null;
  try {
    adapter = await gpu.requestAdapter({ powerPreference: options.powerPreference ?? 'high-performance' });
  } catch (cause) {
    throw unavailable(`an error when asking for an adapter (${messageOf(cause)})`, access.next, cause);
  }
  if (!adapter) throw unavailable(access.found, access.next);
  const { name, software } = judge(adapter.info);
  if (software && !options.software) {
    const next = 'Ask for device: "webgpu" by name to use it all the same; device: "wasm" is faster there.';
    throw unavailable(`only ${name}, which computes on the CPU`, next);
  }
  const limits = limitsOf(adapter.limits);
  for (const limit of limitNames) {
    if (limits[limit] < least[limit])
      throw unavailable(`${name} with ${limit} ${limits[limit]} (at least ${least[limit]} is needed)`, access.next);
  }
  let device: GPUDevice;
  try {
    device = await adapter.requestDevice({
      label: 'labelweave',
      requiredFeatures: wanted.filter((feature) => adapter.features.has(feature)) as GPUFeatureName[],
      requiredLimits: options.limits === 'default' ? {} : { ...limits },
    });
  } catch (cause) {
    throw unavailable(`${name}, which gives no device (${messageOf(cause)})`, access.next, cause);
  }
  return { device, owned: true, facts: factsOf(device, name, software) };
}

/** A device that the caller made. */
function ownDevice(device: GPUDevice): OpenedDevice {
  const { name, software } = judge(device.adapterInfo as GPUAdapterInfo | undefined);
  return { device, owned: false, facts: factsOf(device, name, software) };
}

function factsOf(device: GPUDevice, name: string, software: boolean): DeviceFacts {
  return { name, software, features: wanted.filter((feature) => device.features.has(feature)), limits: limitsOf(device.limits) };
}

function limitsOf(limits: GPUSupportedLimits): DeviceFacts['limits'] {
  return Object.fromEntries(limitNames.map((name) => [name, limits[name]])) as unknown as DeviceFacts['limits'];
}

/** Name and kind of an adapter, by what it tells of itself. Browsers hide most of it. */
export function judge(info: Partial<GPUAdapterInfo> | undefined): { name: string; software: boolean } {
  const { vendor = '', architecture = '', device = '', description = '' } = info ?? {};
  const text = `${vendor} ${architecture} ${device} ${description}`;
  // Deno gives the vendor as a number.
  const maker = [vendor, architecture].filter((part) => part && !/^\d+$/.test(part)).join(' ');
  const model = description || (/^\d*$/.test(device) ? '' : device);
  return {
    name: [maker, model].filter(Boolean).join(', ') || 'an adapter without a name',
    software:
      info?.isFallbackAdapter === true ||
      /swiftshader|llvmpipe|lavapipe|softpipe|subzero|microsoft basic render|\bwarp\b/i.test(text),
  };
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
