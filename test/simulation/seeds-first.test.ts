import { testSeeds } from "./seeds.js";

// Beside the second half, on the other core.
testSeeds(1, 251);
