/** A measurement that cannot be trusted: no figure of it may be printed. The message is one line for a person. */
export class MeasurementFailed extends Error {
  override readonly name = "MeasurementFailed";
}
