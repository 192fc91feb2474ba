// Vitest runs this before each test file of the e2e project.
import { forgetPersonalData } from './service.js';

forgetPersonalData();
